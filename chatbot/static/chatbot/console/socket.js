// The page's one socket: it comes back by itself, and asks anew for what it showed.

import { onReturn, Pulse } from "../common/pulse.js";

const REST = [500, 1_000, 2_000, 5_000, 10_000];
const HELLO_WITHIN = 15_000;
const [GONE, FORBIDDEN] = [1006, 4403];

export class Socket {
  #socket = null;
  #state = null;
  #failures = 0;
  #timer = null; // until the next attempt
  #opening = null;
  #pulse = new Pulse({ hidden: true }); // alarms are for pages that nobody looks at
  onFrame = () => {};
  onState = () => {};

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

  /** Whether it could be sent. */
  send(type, values = {}) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify({ type, ...values }));
    return true;
  }

  /** Is the other end still there? If not, it is looked for anew. */
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

  /** At once: a dead path answers no farewell, and what was under way by it comes no more. */
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
    // Not all pages at the same moment, after a restart of the server.
    this.#timer = setTimeout(() => this.open(), rest * (0.5 + Math.random()));
  }

  #enter(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.onState(state);
  }
}
