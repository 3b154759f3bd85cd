// The field in which the customer writes.

import { byId } from "../../common/dom.js";
import { sends } from "../../common/keys.js";
import { written } from "../../common/written.js";
import { Draft } from "./draft.js";

const LIMIT = 4000; // characters, as the server counts them: code points
const WARN_AT = 3600;
const TALLEST = 140; // pixels
const TYPING_EVERY = 3_000;

export class Composer {
  #form = byId("composer");
  #field = byId("field");
  #button = byId("send");
  #counter = byId("counter");
  #files;
  #typedAt = -Infinity;
  draft = new Draft();

  // Set by the owner.
  onSend = (_text, _attachments) => {};
  onTyping = () => {};

  constructor(files) {
    this.#files = files;
    files.onChange = () => this.#measure();
    this.#form.addEventListener("submit", (event) => this.#submit(event));
    this.#field.addEventListener("keydown", (event) => this.#key(event));
    this.#field.addEventListener("input", () => this.#typed());
    this.#measure();
  }

  focus() {
    this.#measure(); // a hidden iframe has no heights
    this.#field.focus();
  }

  fill(text) {
    this.#field.value = text;
    this.#measure();
    this.#field.setSelectionRange(text.length, text.length);
  }

  set hidden(hidden) {
    this.#form.hidden = hidden;
  }

  #submit(event) {
    event.preventDefault();
    const { tray, onTrouble } = this.#files;
    const text = written(this.#field.value);
    if (tray.busy) return onTrouble("A file is still being uploaded.");
    if (this.#button.disabled) return;
    this.fill("");
    this.#typedAt = -Infinity;
    this.draft.sent();
    this.onSend(text, tray.take());
  }

  #key(event) {
    if (!sends(event)) return;
    event.preventDefault();
    this.#form.requestSubmit();
  }

  #typed() {
    this.#measure();
    const { value } = this.#field;
    this.draft.typed([...value].length > LIMIT ? "" : value);
    if (!written(value) || performance.now() - this.#typedAt < TYPING_EVERY) return;
    this.#typedAt = performance.now();
    this.onTyping();
  }

  #measure() {
    const count = [...written(this.#field.value)].length;
    this.#counter.hidden = count < WARN_AT;
    const left = LIMIT - count;
    this.#counter.textContent = left < 0 ? `${-left} characters too many` : `${left} characters left`;
    this.#counter.classList.toggle("over", count > LIMIT);
    this.#field.setAttribute("aria-invalid", String(count > LIMIT));
    const nothing = count === 0 && this.#files.tray.empty;
    this.#button.disabled = nothing || count > LIMIT || this.#files.tray.busy;
    this.#field.style.height = "auto";
    this.#field.style.height = `${Math.min(this.#field.scrollHeight, TALLEST)}px`;
  }
}
