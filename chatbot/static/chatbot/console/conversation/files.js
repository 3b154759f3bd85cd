// The agent's files: picked, uploaded to the conversation at hand, and kept with it until sent.

import { pick } from "../../attachments/pick.js";
import { Tray } from "../../attachments/tray.js";
import { upload } from "../../attachments/upload.js";
import { byId } from "../../common/dom.js";

export class Files {
  #tray;
  #conversation = null;
  #uploads = ""; // the upload address of this conversation
  #unsent = new Map(); // conversation -> descriptions

  // Set by the owner.
  onTrouble = (_text) => {};

  constructor() {
    const { attachmentBytes, attachmentCount, csrf } = byId("live").dataset;
    this.#tray = new Tray({
      list: byId("tray"),
      said: byId("tray-said"),
      most: { bytes: Number(attachmentBytes), count: Number(attachmentCount) },
      send: (file, progress) => upload(this.#uploads, { "X-CSRFToken": csrf }, file, progress),
    });
    this.#tray.onTrouble = (text) => this.onTrouble(text);
    const [button, input, field, area] = ["attach", "file", "text", "talk"].map(byId);
    // Without this mark the admin's script takes the input for a form field and looks for its name.
    input.hasChangeListener = true;
    pick({ button, input, field, area }, (files) => button.disabled || this.#tray.add(files));
  }

  get busy() {
    return this.#tray.busy;
  }

  get empty() {
    return this.#tray.empty;
  }

  open(conversation, uploads) {
    if (this.#conversation) this.#unsent.set(this.#conversation, this.#tray.take());
    [this.#conversation, this.#uploads] = [conversation, uploads];
    this.#tray.restore(this.#unsent.get(conversation) ?? []);
  }

  take() {
    return this.#tray.take();
  }

  restore(descriptions) {
    this.#tray.restore(descriptions);
  }

  retry() {
    this.#tray.retry();
  }
}
