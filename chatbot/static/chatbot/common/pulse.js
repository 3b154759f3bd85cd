// Whether the other end of a socket is still there. A path that goes without a word (sleep, another
// network, a router that forgets) closes nothing, and the browser answers the server's own pings
// unseen by any script. So the page asks: `ping`, answered by `pong`; any frame is a sign of life.

const EVERY = 25_000; // of silence: with ANSWER_WITHIN, half a minute until a dead path is noticed
const DOUBTED_AFTER = 1_000;
const ANSWER_WITHIN = 6_000; // slow mobile networks take some seconds now and then

export class Pulse {
  #hidden;
  #beating = false;
  #waits = false; // for an answer
  #timers = [];

  // Set by the owner.
  ask = () => {};
  onDoubt = () => {};
  onSilence = () => {};

  /** hidden: it goes on while nobody sees the page. */
  constructor({ hidden = false } = {}) {
    this.#hidden = hidden;
  }

  /** There is a connection, or a frame came by it. */
  heard() {
    this.stop();
    this.#beating = true;
    this.#timers = [setTimeout(() => this.#rested(), EVERY)];
  }

  /** Asks now. */
  probe() {
    if (!this.#beating || this.#waits) return;
    this.stop();
    this.#beating = this.#waits = true;
    this.ask();
    this.#timers = [
      setTimeout(() => this.onDoubt(), DOUBTED_AFTER),
      setTimeout(() => this.onSilence(), ANSWER_WITHIN),
    ];
  }

  stop() {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#beating = this.#waits = false;
  }

  // A page that is seen again asks at once: until then nobody needs to know.
  #rested() {
    if (this.#hidden || document.visibilityState === "visible") this.probe();
  }
}

/** Calls `act` whenever the path may have changed unseen: the page is looked at again, or the
 * network is back. */
export function onReturn(act) {
  const seen = () => document.visibilityState === "visible" && act();
  document.addEventListener("visibilitychange", seen);
  window.addEventListener("pageshow", seen);
  window.addEventListener("online", act);
}
