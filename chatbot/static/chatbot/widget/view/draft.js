// Sends what the customer has typed so far, at pauses, to a server that wants to read ahead.

const PAUSE = 400; // milliseconds after a key; the end of a word counts as a pause at once
const EVERY = 1_000;
const WORD_END = /[\s.,;:?!]$/;

export class Draft {
  #timer;
  #told = "";
  #toldAt = -Infinity;

  /** Whether the server asks for drafts. */
  wanted = false;

  // Set by the owner.
  onPause = (_text) => {};

  typed(text) {
    clearTimeout(this.#timer);
    if (!this.wanted) return;
    const pause = WORD_END.test(text) ? 0 : PAUSE;
    const wait = Math.max(pause, this.#toldAt + EVERY - performance.now());
    this.#timer = setTimeout(() => this.#tell(text.trim()), wait);
  }

  sent() {
    clearTimeout(this.#timer);
    this.#told = "";
  }

  #tell(text) {
    if (!text || text === this.#told) return;
    this.#told = text;
    this.#toldAt = performance.now();
    this.onPause(text);
  }
}
