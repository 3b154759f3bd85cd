// The visitor's session: a short-lived token and the address of the socket.
//
// A customer is whoever the host page's JWT says. An anonymous visitor is known again by the last
// token, which is the only credential kept in the browser: a customer's is asked for each time.

import * as storage from "./storage.js";

const ANSWER_WITHIN = 10_000; // else the path is dead, and the next attempt takes another
export const ANONYMOUS = "anonymous";

/** The server answered and said no; the message is for the person. */
export class Refused extends Error {}

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

  /** {token, expires_at, socket}, the current one if there is one. */
  async open() {
    this.#current ??= await this.#fresh();
    return this.#current;
  }

  /** Forget the session; the next `open` gets a new one. */
  drop() {
    this.#current = null;
  }

  async #fresh() {
    const identity = await this.#host.identity();
    const session = identity ? await this.#post({ identity }) : await this.#anonymous();
    this.subject = identity ? subjectOf(identity) : ANONYMOUS;
    return session;
  }

  async #anonymous() {
    const session = await this.#renewed();
    storage.set(this.#tokenKey, session.token);
    return session;
  }

  async #renewed() {
    const token = storage.get(this.#tokenKey);
    if (!token) return this.#post({});
    try {
      return await this.#post({ token });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      storage.remove(this.#tokenKey); // too old to be renewed: a new visitor
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
  const text = document.detail || document.title || `The chat answered ${response.status}.`;
  return busy ? new Error(text) : new Refused(text);
}

/** The `sub` of a JWT, unverified: it only names the drawer in this browser's storage. */
export function subjectOf(jwt) {
  try {
    const payload = jwt.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0));
    return String(JSON.parse(new TextDecoder().decode(bytes)).sub ?? ANONYMOUS);
  } catch {
    return ANONYMOUS;
  }
}
