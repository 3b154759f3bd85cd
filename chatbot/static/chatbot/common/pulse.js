// The heartbeat: tells whether the other end of a socket is still there. A path that dies without a
// word (sleep, another network, a router that forgets) closes no socket, and the browser answers the
// server's pings unseen by any script. So the page itself sends `ping` and expects `pong`; any frame
// is a sign of life.

/** A message without an acknowledgement for so long puts the connection in doubt: probe it. */
export const ACK_DOUBTED_AFTER = 4_000;

const EVERY = 25_000; // of silence: with ANSWER_WITHIN, a dead path is noticed in half a minute
const DOUBTED_AFTER = 1_000;
const ANSWER_WITHIN = 6_000; // slow mobile networks take some seconds now and then

export class Pulse {
  #hidden;
  #beating = false;
  #asking = false; // the answer to a ping is awaited
  #timers = [];

  // Set by the owner.
  ask = () => {};
  onDoubt = () => {};
  onSilence = () => {};

  /** hidden: the heartbeat goes on while nobody sees the page. */
  constructor({ hidden = false } = {}) {
    this.#hidden = hidden;
  }

  /** A connection was made, or it brought a frame. */
  heard() {
    this.stop();
    this.#beating = true;
    this.#timers = [setTimeout(() => this.#rested(), EVERY)];
  }

  /** Asks now. */
  probe() {
    if (!this.#beating || this.#asking) return;
    this.stop();
    this.#beating = this.#asking = true;
    this.ask();
    this.#timers = [
      setTimeout(() => this.onDoubt(), DOUBTED_AFTER),
      setTimeout(() => this.onSilence(), ANSWER_WITHIN),
    ];
  }

  stop() {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#beating = this.#asking = false;
  }

  // A page that comes into view again asks at once (onReturn): until then nobody needs to know.
  #rested() {
    if (this.#hidden || document.visibilityState === "visible") this.probe();
  }
}

/** Calls `act` whenever the path may have changed unseen: the page comes into view, or the network
 * is back. */
export function onReturn(act) {
  const seen = () => document.visibilityState === "visible" && act();
  document.addEventListener("visibilitychange", seen);
  window.addEventListener("pageshow", seen);
  window.addEventListener("online", act);
}
