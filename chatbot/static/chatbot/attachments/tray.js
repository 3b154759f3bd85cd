// Files that were picked and not sent yet. Each is uploaded at once; a message then names them.

import { isImage, paper } from "./shown.js";
import { Refused, size, upload } from "./upload.js";

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

  /** list: the element that shows them; said: what screen readers hear of them; most: {bytes,
   * count}; send(file, progress) → description; forget(description): it will not be sent. */
  constructor({ list, said, most, send, forget = () => {} }) {
    [this.#list, this.#said, this.#most] = [list, said, most];
    [this.#send, this.#forget] = [send, forget];
  }

  get empty() {
    return this.#files.length === 0;
  }

  /** Something is not on the server yet. */
  get busy() {
    return this.#files.some(({ description }) => !description);
  }

  get names() {
    return this.#files.map(({ name }) => name);
  }

  add(files) {
    for (const file of files) {
      const trouble = this.#trouble(file);
      if (trouble) this.onTrouble(trouble);
      else this.#start(new Item(file, this.#list));
    }
  }

  /** What is on the server already, as `take` gave it. */
  restore(descriptions) {
    for (const one of descriptions) {
      const item = new Item(one, this.#list);
      this.#put(item);
      item.done(one);
    }
    this.onChange();
  }

  /** The descriptions, for a message that names them. */
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

  /** There is a connection again. */
  retry() {
    for (const item of this.#files) if (item.failed) this.#upload(item);
  }

  /** Again, all of them: they were for another conversation. */
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

  #start(item) {
    this.#put(item);
    this.#upload(item);
  }

  async #upload(item) {
    const progress = item.begin();
    this.#changed();
    try {
      item.done(await this.#send(item.file, progress));
      this.#said.textContent = `${item.name} is attached.`;
    } catch (error) {
      if (progress.signal.aborted) return; // removed meanwhile, or begun again
      if (!(error instanceof Refused)) item.fail(error.message);
      else {
        this.#drop(item);
        this.onTrouble(`“${item.name}”: ${error.message}`);
      }
    }
    this.#changed();
  }

  #remove(item) {
    if (item.description) this.#forget(item.description);
    this.#said.textContent = `${item.name} is removed.`;
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
  #element = document.createElement("li");
  #icon = document.createElement("span");
  #state = document.createElement("small");
  #bar = document.createElement("progress");
  #again = button("Try again");

  constructor(file, list) {
    [this.file, this.name, this.bytes] = [file, file.name, file.size ?? file.bytes];
    const name = document.createElement("b");
    const remove = button("×");
    name.textContent = this.name;
    remove.setAttribute("aria-label", `Remove ${this.name}`);
    remove.addEventListener("click", () => this.onRemove());
    this.#again.addEventListener("click", () => this.onRetry());
    this.#bar.setAttribute("aria-label", `Upload of ${this.name}`);
    this.#icon.className = "icon";
    this.#icon.append(paper());
    this.#element.append(this.#icon, name, this.#state, this.#bar, this.#again, remove);
    list.append(this.#element);
  }

  /** {onProgress, signal} of an upload. */
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
    const image = document.createElement("img");
    [image.src, image.alt] = [description.url, ""];
    this.#icon.replaceChildren(image);
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
  const made = document.createElement("button");
  [made.type, made.textContent] = ["button", text];
  return made;
}
