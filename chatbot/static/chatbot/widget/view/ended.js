// The conversation is closed: the customer may rate it and keep a copy.

import { byId } from "../../common/dom.js";
import { written } from "../../common/written.js";

const SAVED = "conversation.txt";

export class Ended {
  #form = byId("rating");
  #more = byId("rating-more");
  #told = byId("rated");
  #mail = byId("mail-form");
  #session;
  #rating = 0; // the one that is under way; 0: none
  #ratings = 0;
  onRated = () => false;

  constructor(session) {
    this.#session = session;
    // The score is sent at once; a comment that follows is sent with the score again.
    this.#form.addEventListener("change", ({ target }) => target.name === "score" && this.#rate());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#rate()) this.#more.hidden = true;
    });
    byId("save").addEventListener("click", () => this.#save());
    byId("mail")?.addEventListener("click", () => {
      this.#mail.hidden = !this.#mail.hidden;
      if (!this.#mail.hidden) this.#mail.elements.email.focus();
    });
    this.#mail.addEventListener("submit", (event) => this.#send(event));
  }

  reset() {
    this.#rating = 0;
    this.#form.reset();
    this.#mail.reset();
    this.#more.hidden = this.#mail.hidden = true;
    this.#told.textContent = "";
  }

  /** The connection is lost, and the next one belongs to a new conversation: a rating that has not
   * arrived stays on the page, and the customer is told. */
  cutOff() {
    if (!this.#rating) return;
    this.#rating = 0;
    this.#more.hidden = false;
    this.#told.textContent = "The connection was lost. Please send your rating again.";
  }

  #rate() {
    const { score, comment } = this.#form.elements;
    const rating = ++this.#ratings;
    const sent = this.onRated(Number(score.value), written(comment.value), () => this.#arrived(rating));
    if (!sent) return false;
    this.#rating = rating;
    this.#more.hidden = false;
    this.#told.textContent = "Sending…";
    return true;
  }

  #arrived(rating) {
    if (rating !== this.#rating) return; // another has followed, or was given up
    this.#rating = 0;
    this.#told.textContent = "Thank you for telling us.";
  }

  async #save() {
    const answer = await this.#post({});
    if (!answer) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = SAVED;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  async #send(event) {
    event.preventDefault();
    const answer = await this.#post({ email: this.#mail.elements.email.value });
    if (!answer) return;
    this.#mail.hidden = true;
    // The server's words: an unknown address is sent a link to confirm first.
    this.#told.textContent = (await answer.json()).text;
  }

  /** The answer, or null after showing why there is none. */
  async #post(fields) {
    try {
      const { token } = await this.#session.open();
      const body = new URLSearchParams({ token, ...fields });
      const answer = await fetch(document.body.dataset.transcriptUrl, { method: "POST", body, credentials: "omit" });
      if (answer.ok) return answer;
      this.#told.textContent = (await answer.json()).detail;
    } catch {
      this.#told.textContent = "There is no connection at the moment. Please try again soon.";
    }
    return null;
  }
}
