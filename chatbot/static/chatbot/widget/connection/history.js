// Keeps the numbers of the messages that this page has seen.

export class History {
  #seen = new Set();
  #after = 0;

  /** The last number without a gap before it: the server sends what comes after it. */
  get after() {
    return this.#after;
  }

  /** True the first time a number is noted. */
  note(seq) {
    if (this.#seen.has(seq)) return false;
    this.#seen.add(seq);
    while (this.#seen.has(this.#after + 1)) this.#after += 1;
    return true;
  }
}
