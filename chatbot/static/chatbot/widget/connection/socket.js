// The chat's socket, which reconnects by itself: session, hello, frames, and a jittered back-off
// between attempts.
//
//   offline ──attempt──▶ connecting ──welcome──▶ online ◀──any frame── unsure
//      ▲                     │                     │ └──no answer yet──▶ │
//      └──────── closed, failed, no welcome ◀──────┴───no answer at all──┘

import { onReturn, Pulse } from "../../common/pulse.js";
import { SessionRefused } from "./session.js";

const PROTOCOL = 1;
const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 30_000;
const WELCOME_WITHIN = 10_000;
const STEADY_AFTER = 5_000; // a connection that still brings frames after this resets the back-off
const CLOSE_UNAUTHORIZED = 4401;
const CLOSE_TOO_MANY = 4429;

export class Connection {
  #session;
  #pulse = new Pulse();
  #socket = null;
  #turn = 0; // counts attempts: one that has been overtaken sees another number here
  #failures = 0;
  #timer = null;
  #welcomedAt = 0;
  #retryAfter = 0;
  state = "offline";
  /** While false, a lost connection stays lost: the conversation is closed. */
  resumes = true;

  // Set by the owner.
  onState = (_state) => {};
  onFrame = (_frame) => {};
  onRefused = (_text) => {};
  onSession = (_subject) => {};
  after = () => 0;

  constructor(session) {
    this.#session = session;
    this.#pulse.ask = () => this.send({ type: "ping" });
    this.#pulse.onDoubt = () => this.#enter("unsure");
    this.#pulse.onSilence = () => this.lost();
    window.addEventListener("offline", () => this.lost());
    onReturn(() => {
      this.probe();
      if (this.resumes && this.state === "offline") this.#attempt();
    });
  }

  /** Drops the connection and makes a new one at once. */
  restart() {
    this.resumes = true;
    this.#leave();
    this.#attempt();
  }

  /** False without a connection. */
  send(frame) {
    if (!this.#welcomedAt) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Asks whether the other end is still there; without an answer the socket reconnects. */
  probe() {
    this.#pulse.probe();
  }

  /** The connection is of no use any more. */
  lost() {
    this.#leave();
    if (this.resumes) this.#timer = setTimeout(() => this.#attempt(), this.#delay());
  }

  async #attempt() {
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    this.#enter("connecting");
    this.#timer = setTimeout(() => this.lost(), WELCOME_WITHIN);
    try {
      const { token, socket } = await this.#session.open();
      if (turn !== this.#turn) return;
      this.onSession(this.#session.subject);
      this.#listen(new WebSocket(socket), token, turn);
    } catch (error) {
      if (turn !== this.#turn) return;
      if (error instanceof SessionRefused) this.onRefused(error.message);
      this.lost();
    }
  }

  #listen(socket, token, turn) {
    this.#socket = socket;
    const ifCurrent = (act) => (event) => turn === this.#turn && act(event);
    socket.onopen = ifCurrent(() => {
      const hello = { type: "hello", token, after: this.after(), protocol: PROTOCOL };
      socket.send(JSON.stringify(hello));
    });
    socket.onmessage = ifCurrent((event) => this.#receive(JSON.parse(event.data)));
    socket.onclose = ifCurrent((event) => this.#closed(event.code));
  }

  #receive(frame) {
    if (frame.type === "welcome") this.#welcomed();
    else if (this.#welcomedAt) this.#alive();
    if (frame.type === "error") this.#retryAfter = (frame.retry_after ?? 0) * 1_000;
    this.onFrame(frame);
  }

  #welcomed() {
    clearTimeout(this.#timer);
    this.#welcomedAt = performance.now();
    this.#alive();
  }

  #alive() {
    if (performance.now() - this.#welcomedAt > STEADY_AFTER) this.#failures = 0;
    this.#pulse.heard();
    this.#enter("online");
  }

  #closed(code) {
    if (code === CLOSE_UNAUTHORIZED) this.#session.drop();
    if (code === CLOSE_TOO_MANY) this.#retryAfter ||= LONGEST_DELAY;
    this.lost();
  }

  #leave() {
    clearTimeout(this.#timer);
    this.#pulse.stop();
    this.#turn += 1;
    this.#welcomedAt = 0;
    this.#socket?.close();
    this.#socket = null;
    this.#enter("offline");
  }

  #delay() {
    const longest = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#failures++);
    const wait = Math.max(longest * (0.5 + Math.random() / 2), this.#retryAfter);
    this.#retryAfter = 0;
    return wait;
  }

  #enter(state) {
    if (state === this.state) return;
    this.state = state;
    this.onState(state);
  }
}
