// The answer that is being written: typing dots, and the sentences as they come. It stands outside
// the log, so that screen readers announce the finished message only.

import { byId } from "../../common/dom.js";

const PATIENCE = 60_000;
const TYPING_LASTS = 6_000;

export class Provisional {
  #element = byId("provisional");
  #text = byId("provisional-text");
  #dots = byId("dots");
  #hint = byId("hint");
  #timer = null;
  agent = ""; // the name of the agent who answers

  /** sentence: the server's words while the customer waits, such as the place in the queue. If there
      is one, the part of the answer that is already shown stays; if there is none, that part is
      removed, because the answer starts again. */
  think(sentence) {
    if (!sentence) this.#text.textContent = "";
    this.#show("bot", sentence || "Looking it up…", PATIENCE);
  }

  /** Continues an answer that began on an earlier connection. */
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

  /** Stops the dots; the sentences that came stay. */
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
