// The page's one socket: it comes back by itself, and asks anew for what it showed.

const REST = [500, 1_000, 2_000, 5_000, 10_000];
const FORBIDDEN = 4403;

export class Socket {
  #socket = null;
  #failures = 0;
  onFrame = () => {};
  onState = () => {};

  open() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.#socket = new WebSocket(`${scheme}//${location.host}/ws/console/`);
    this.#socket.onmessage = ({ data }) => this.onFrame(JSON.parse(data));
    this.#socket.onopen = () => {
      this.#failures = 0;
      this.onState("online");
    };
    this.#socket.onclose = ({ code }) => this.#closed(code);
  }

  /** Whether it could be sent. */
  send(type, values = {}) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify({ type, ...values }));
    return true;
  }

  #closed(code) {
    this.onState(code === FORBIDDEN ? "forbidden" : "offline");
    if (code === FORBIDDEN) return;
    const rest = REST[Math.min(this.#failures, REST.length - 1)];
    this.#failures += 1;
    // Not all pages at the same moment, after a restart of the server.
    setTimeout(() => this.open(), rest * (0.5 + Math.random()));
  }
}
