// What is being written at this moment: typing dots, and the sentences of an answer as they come.
// It stands outside the log, so that screen readers announce the finished message only.

const PATIENCE = 60_000;
const TYPING_LASTS = 6_000;

export class Provisional {
  #element = document.getElementById("provisional");
  #text = document.getElementById("provisional-text");
  #dots = document.getElementById("dots");
  #hint = document.getElementById("hint");
  #timer = null;
  // Who answers in state `agent`.
  agent = "";

  /** sentence: what is told while one waits, e.g. one's number in line. */
  think(sentence) {
    this.#text.textContent = "";
    this.#show("bot", sentence || "Looking it up…", PATIENCE);
  }

  /** Goes on with an answer whose beginning another connection has brought. */
  resume() {
    this.#show("bot", this.#text.textContent ? "" : "Looking it up…", PATIENCE);
  }

  say(sentence) {
    const before = this.#text.textContent;
    this.#text.textContent = before ? `${before} ${sentence}` : sentence;
    this.#show("bot", "", PATIENCE);
  }

  agentTypes() {
    if (!this.#text.textContent) this.#show("agent", `${this.agent || "A colleague"} is typing…`, TYPING_LASTS);
  }

  /** Nothing comes at present; sentences that came stay. */
  still() {
    clearTimeout(this.#timer);
    this.#dots.hidden = true;
    this.#element.hidden = !this.#text.textContent;
  }

  clear() {
    this.#text.textContent = "";
    this.still();
  }

  #show(author, hint, lasts) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.still(), lasts);
    this.#element.dataset.author = author;
    this.#element.hidden = false;
    this.#text.hidden = !this.#text.textContent;
    this.#dots.hidden = false;
    this.#hint.textContent = hint;
  }
}
