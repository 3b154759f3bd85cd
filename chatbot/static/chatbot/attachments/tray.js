// The files that will go with the next message. Each is uploaded at once; the message names them.

import { element } from "../common/dom.js";
import { isImage, paper } from "./shown.js";
import { FileRefused, size } from "./upload.js";

export class Tray {
  #list;
  #said;
  #most;
  #send;
  #forget;
  #files = [];

  // Set by the owner.
  onChange = () => {};
  onTrouble = (_text) => {};

  /** list: the element that shows the files; said: the one that screen readers read; most: the limits
   * {bytes, count}; send(file, progress) → description; forget(description): it was removed. */
  constructor({ list, said, most, send, forget = () => {} }) {
    [this.#list, this.#said, this.#most] = [list, said, most];
    [this.#send, this.#forget] = [send, forget];
  }

  get empty() {
    return this.#files.length === 0;
  }

  /** A file is not on the server yet. */
  get busy() {
    return this.#files.some(({ description }) => !description);
  }

  get names() {
    return this.#files.map(({ name }) => name);
  }

  add(files) {
    for (const file of files) {
      const trouble = this.#trouble(file);
      if (trouble) {
        this.onTrouble(trouble);
        continue;
      }
      const item = new Item(file, this.#list);
      this.#put(item);
      this.#upload(item);
    }
  }

  /** Puts back files that are on the server already, as `take` returned them. */
  restore(descriptions) {
    for (const description of descriptions) {
      const item = new Item(description, this.#list);
      this.#put(item);
      item.done(description);
    }
    this.onChange();
  }

  /** Empties the tray and returns the descriptions, for a message that names them. */
  take() {
    const found = this.#files.map(({ description }) => description).filter(Boolean);
    this.clear();
    return found;
  }

  clear() {
    for (const item of this.#files) item.end();
    this.#files = [];
    this.#changed();
  }

  /** The connection is back: uploads what failed. */
  retry() {
    for (const item of this.#files) if (item.failed) this.#upload(item);
  }

  /** Uploads all files again: they belonged to another conversation. */
  renew() {
    for (const item of this.#files) this.#upload(item);
  }

  #trouble({ name, size: bytes }) {
    const { bytes: most, count } = this.#most;
    if (this.#files.length >= count) return `A message may have at most ${count} files.`;
    if (bytes > most) return `“${name}”: this file is ${size(bytes)}; ${size(most)} is the most.`;
    return "";
  }

  #put(item) {
    this.#files.push(item);
    item.onRemove = () => this.#remove(item);
    item.onRetry = () => this.#upload(item);
    this.#changed();
  }

  async #upload(item) {
    const progress = item.begin();
    this.#changed();
    try {
      item.done(await this.#send(item.file, progress));
      this.#said.textContent = `${item.name} is attached.`;
    } catch (error) {
      if (progress.signal.aborted) return; // the file was removed, or its upload began again
      if (!(error instanceof FileRefused)) item.fail(error.message);
      else {
        this.#drop(item);
        this.onTrouble(`“${item.name}”: ${error.message}`);
      }
    }
    this.#changed();
  }

  #remove(item) {
    if (item.description) this.#forget(item.description);
    this.#said.textContent = `${item.name} was removed.`;
    this.#drop(item);
  }

  #drop(item) {
    item.end();
    this.#files = this.#files.filter((other) => other !== item);
    this.#changed();
  }

  #changed() {
    this.#list.hidden = this.empty;
    this.onChange();
  }
}

class Item {
  description = null;
  failed = false;
  onRemove = () => {};
  onRetry = () => {};
  #abort = new AbortController();
  #icon = element("span", { className: "icon" }, paper());
  #state = element("small");
  #bar = element("progress");
  #again = button("Try again");
  #element;

  constructor(file, list) {
    [this.file, this.name, this.bytes] = [file, file.name, file.size ?? file.bytes];
    const remove = button("×");
    remove.setAttribute("aria-label", `Remove ${this.name}`);
    remove.addEventListener("click", () => this.onRemove());
    this.#again.addEventListener("click", () => this.onRetry());
    this.#bar.setAttribute("aria-label", `Upload of ${this.name}`);
    const name = element("b", { textContent: this.name });
    this.#element = element("li", {}, this.#icon, name, this.#state, this.#bar, this.#again, remove);
    list.append(this.#element);
  }

  /** Starts an upload; returns its {onProgress, signal}. */
  begin() {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.failed = false;
    this.description = null;
    this.#show("Uploading…", { going: true });
    this.#bar.removeAttribute("value");
    return { onProgress: (share) => (this.#bar.value = share), signal: this.#abort.signal };
  }

  done(description) {
    this.description = description;
    this.#show(size(this.bytes));
    if (!isImage(description)) return;
    this.#icon.replaceChildren(element("img", { src: description.url, alt: "" }));
  }

  fail(why) {
    this.failed = true;
    this.#show(`Not uploaded. ${why}`);
  }

  end() {
    this.#abort.abort();
    this.#element.remove();
  }

  #show(text, { going = false } = {}) {
    this.#state.textContent = text;
    this.#bar.hidden = !going;
    this.#again.hidden = !this.failed;
  }
}

function button(text) {
  return element("button", { type: "button", textContent: text });
}
