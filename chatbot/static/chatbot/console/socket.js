// The console's socket: it reconnects by itself; the page then asks again for what it shows.

import { onReturn, Pulse } from "../common/pulse.js";

const REST = [500, 1_000, 2_000, 5_000, 10_000];
const HELLO_WITHIN = 15_000;
const [GONE, FORBIDDEN] = [1006, 4403];

export class Socket {
  #socket = null;
  #state = null;
  #failures = 0;
  #timer = null; // until the next attempt
  #opening = null; // until the server's hello
  #pulse = new Pulse({ hidden: true }); // alerts must reach a page that nobody looks at

  // Set by the owner.
  onFrame = (_frame) => {};
  onState = (_state) => {};

  constructor() {
    this.#pulse.ask = () => this.send("ping");
    this.#pulse.onDoubt = () => this.#enter("unsure");
    this.#pulse.onSilence = () => this.#drop();
    window.addEventListener("offline", () => this.#drop());
    onReturn(() => (this.#timer ? this.open() : this.probe()));
  }

  open() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#opening = setTimeout(() => this.#drop(), HELLO_WITHIN);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.#socket = new WebSocket(`${scheme}//${location.host}/ws/console/`);
    this.#socket.onmessage = ({ data }) => this.#heard(JSON.parse(data));
    this.#socket.onclose = ({ code }) => this.#closed(code);
  }

  /** False without a connection. */
  send(type, values = {}) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify({ type, ...values }));
    return true;
  }

  /** Asks whether the other end is still there; without an answer the socket reconnects. */
  probe() {
    this.#pulse.probe();
  }

  #heard(frame) {
    clearTimeout(this.#opening);
    this.#failures = 0;
    this.#pulse.heard();
    this.#enter("online");
    this.onFrame(frame);
  }

  /** Does not wait for the close: a dead path never confirms it, and brings nothing more. */
  #drop() {
    if (this.#socket.readyState > WebSocket.OPEN) return;
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#closed(GONE);
  }

  #closed(code) {
    clearTimeout(this.#opening);
    this.#pulse.stop();
    this.#enter(code === FORBIDDEN ? "forbidden" : "offline");
    if (code === FORBIDDEN) return;
    const rest = REST[Math.min(this.#failures, REST.length - 1)];
    this.#failures += 1;
    // Random, so that not all pages come back at the same moment after a restart of the server.
    this.#timer = setTimeout(() => this.open(), rest * (0.5 + Math.random()));
  }

  #enter(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.onState(state);
  }
}
