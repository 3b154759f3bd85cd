// The field in which the agent writes to the customer, or a note for colleagues.

import { byId } from "../../common/dom.js";
import { sends } from "../../common/keys.js";
import { written } from "../../common/written.js";
import { Files } from "./files.js";
import { Outbox } from "./outbox.js";

const TYPING_EVERY = 2_000;

export class Composer {
  #socket;
  #outbox;
  #files = new Files();
  #text = byId("text");
  #note = byId("private");
  #conversation = null;
  #mine = false;
  #typed = new Map(); // conversation -> text that was not sent
  #typedAt = -Infinity;
  #noting = null; // the text of a note on its way to the server

  // Set by the owner.
  onSent = () => {};
  onTrouble = (_text) => {};

  constructor(socket) {
    this.#socket = socket;
    this.#outbox = new Outbox(socket);
    this.#files.onTrouble = (text) => this.onTrouble(text);
    byId("composer").addEventListener("submit", (event) => this.#submit(event));
    this.#text.addEventListener("input", () => this.#typing());
    this.#text.addEventListener("keydown", (event) => {
      if (sends(event)) this.#submit(event);
    });
    this.#note.addEventListener("change", () => this.#draw());
  }

  /** There is a new connection: whatever the last one may have lost goes out again. */
  connected() {
    this.#noting = null;
    this.#outbox.resend();
    this.#files.retry();
  }

  open(conversation, uploads) {
    if (this.#conversation) this.#typed.set(this.#conversation, this.#text.value);
    this.#conversation = conversation;
    this.#text.value = this.#typed.get(conversation) ?? "";
    this.#files.open(conversation, uploads);
  }

  /** mine: the agent has taken the conversation over; may: the agent may write at all. */
  update(mine, may) {
    this.#mine = mine;
    byId("composer").hidden = !may;
    this.#draw();
  }

  focus() {
    this.#text.focus();
  }

  fill(text) {
    this.#text.value = text;
    this.focus();
  }

  startNote() {
    this.#note.checked = true;
    this.#draw();
    this.focus();
  }

  /** The server has saved a note; if it is the one in the field, the field is free again. */
  noted({ text }) {
    if (!this.#note.checked || text !== written(this.#text.value)) return;
    this.#note.checked = false;
    this.#text.value = "";
    this.#noting = null;
    this.#draw();
  }

  acknowledged(id) {
    this.#outbox.take(id);
  }

  /** A refused message goes back into the field: nothing that was typed is lost. */
  refused(id) {
    this.#noting = null;
    const { frame, files } = this.#outbox.take(id) ?? {};
    if (frame?.conversation !== this.#conversation) return;
    this.#text.value ||= frame.text;
    if (this.#files.empty) this.#files.restore(files);
  }

  #draw() {
    const note = this.#note.checked;
    this.#text.disabled = byId("send").disabled = !this.#mine && !note;
    byId("attach").disabled = !this.#mine || note;
    byId("send").textContent = note ? "Save note" : "Send";
    const write = this.#mine ? "Write to the customer" : "Take over the conversation to write";
    this.#text.placeholder = note ? "Only colleagues see this" : write;
  }

  #submit(event) {
    event.preventDefault();
    const text = written(this.#text.value);
    const note = this.#note.checked;
    const empty = !text && (note || this.#files.empty);
    if (empty || !this.#conversation || this.#text.disabled) return;
    if (note) return this.#sendNote(text);
    if (this.#files.busy) return this.onTrouble("A file is still being uploaded.");
    this.#outbox.send(this.#conversation, text, this.#files.take());
    this.#text.value = "";
    this.onSent();
  }

  /** The text stays in the field until the note comes back: nothing else shows that it arrived. */
  #sendNote(text) {
    const frame = { conversation: this.#conversation, text };
    if (text !== this.#noting && this.#socket.send("note", frame)) this.#noting = text;
    this.#socket.probe();
  }

  #typing() {
    if (this.#note.checked || performance.now() - this.#typedAt < TYPING_EVERY) return;
    this.#typedAt = performance.now();
    this.#socket.send("typing", { conversation: this.#conversation });
  }
}
