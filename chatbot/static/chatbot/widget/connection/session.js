// The visitor's session: a short-lived token and the address of the socket.
//
// The host page's JWT tells who the customer is, and is asked for each time. An anonymous visitor is
// recognised by the last token, the only credential that is kept in the browser.

import * as storage from "./storage.js";

const ANSWER_WITHIN = 10_000; // a slower path counts as dead; the next attempt opens another
const ANONYMOUS = "anonymous";

/** The server will not open a session; the message is for the person. */
export class SessionRefused extends Error {}

export class Session {
  #url;
  #tokenKey;
  #host;
  #current = null;
  subject = null;

  constructor(inbox, url, host) {
    this.#url = url;
    this.#tokenKey = `attune:${inbox}:${ANONYMOUS}:token`;
    this.#host = host;
  }

  /** {token, expires_at, socket}: of the current session, or of a new one. */
  async open() {
    this.#current ??= await this.#fresh();
    return this.#current;
  }

  /** Forgets the session; the next `open` starts a new one. */
  drop() {
    this.#current = null;
  }

  async #fresh() {
    const identity = await this.#host.identity();
    const session = identity ? await this.#post({ identity }) : await this.#renewed();
    if (!identity) storage.set(this.#tokenKey, session.token);
    this.subject = identity ? subjectOf(identity) : ANONYMOUS;
    return session;
  }

  async #renewed() {
    const token = storage.get(this.#tokenKey);
    if (!token) return this.#post({});
    try {
      return await this.#post({ token });
    } catch (error) {
      if (!(error instanceof SessionRefused)) throw error;
      storage.remove(this.#tokenKey); // too old to be renewed: start as a new visitor
      return this.#post({});
    }
  }

  async #post(body) {
    const response = await fetch(this.#url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      credentials: "omit",
      signal: AbortSignal.timeout(ANSWER_WITHIN),
      body: JSON.stringify(body),
    });
    if (response.ok) return response.json();
    throw await problem(response);
  }
}

async function problem(response) {
  const busy = response.status >= 500 || response.status === 429;
  const document = await response.json().catch(() => ({}));
  const text = document.detail || document.title || `The chat cannot start (error ${response.status}).`;
  return busy ? new Error(text) : new SessionRefused(text);
}

/** The `sub` of a JWT, unverified: it only names a part of this browser's storage. */
function subjectOf(jwt) {
  try {
    const payload = jwt.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0));
    return String(JSON.parse(new TextDecoder().decode(bytes)).sub ?? ANONYMOUS);
  } catch {
    return ANONYMOUS;
  }
}
