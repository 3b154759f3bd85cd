// The conversation at hand: joins its header, transcript, composer, and the customer's card.

import { byId } from "../../common/dom.js";
import { Card } from "../customer/card.js";
import { Composer } from "./composer.js";
import { Header } from "./header.js";
import { Suggestion } from "./suggestion.js";
import { Transcript } from "./transcript.js";

const CLOCK = 30_000; // how often the waiting time is drawn anew

export class Conversation {
  #socket;
  #row = null;
  #may = { act: false, correct: false, teach: false };
  // Where to look for records, and where to write an article.
  #pages = {};
  #header = new Header();
  #transcript = new Transcript();
  #composer;
  #suggestion = new Suggestion();
  #card = new Card();

  // Set by the owner.
  onTrouble = (_text) => {};

  constructor(socket) {
    this.#socket = socket;
    this.#composer = new Composer(socket);
    this.#header.act = (what, values) => this.act(what, values);
    this.#composer.onSent = () => this.#suggestion.close();
    this.#composer.onTrouble = (text) => this.onTrouble(text);
    this.#suggestion.onAsk = () => this.#suggest();
    this.#suggestion.onUse = (text) => this.#composer.fill(text);
    this.#card.onChosen = (seq) => this.#transcript.scrollTo(seq);
    setInterval(() => this.#row && this.update(this.#row), CLOCK);
  }

  get id() {
    return this.#row?.id ?? null;
  }

  /** The last message that is shown. */
  get last() {
    return this.#transcript.last;
  }

  hello(frame) {
    this.#header.hello(frame);
    this.#composer.connected();
  }

  act(what, values = {}) {
    if (this.id) this.#socket.send(what, { conversation: this.id, ...values });
  }

  snooze() {
    this.#header.snooze();
  }

  passOn() {
    this.#header.passOn();
  }

  write() {
    this.#composer.focus();
  }

  writeNote() {
    if (this.id && this.#may.act) this.#composer.startNote();
  }

  open({ row, card, may, read }) {
    if (this.id !== row.id) {
      this.#transcript.clear();
      this.#card.clear();
      this.#composer.open(row.id, card.uploads);
      this.#suggestion.close();
    }
    this.#may = may;
    this.#pages = { records: card.answering, article: card.article };
    this.#transcript.readUpTo = read;
    byId("talk").hidden = byId("card").hidden = false;
    byId("who").textContent = row.who;
    this.#card.show(card);
    this.update(row);
    if (card.notes.length) this.#composer.noted(card.notes.at(-1));
  }

  update(row) {
    this.#row = row;
    this.#header.update(row, this.#may);
    this.#composer.update(this.#header.isMine(row), this.#may.act);
    this.#suggestion.offered = this.#may.act && row.state !== "closed";
  }

  messages({ messages }) {
    const correct = (seq, label) => this.act("correct", { seq, label });
    const teaching = { teach: (values) => this.act("teach", values), ...this.#pages };
    const may = [this.#may.correct ? correct : null, this.#may.teach ? teaching : null];
    this.#card.heard(this.#transcript.add(messages, ...may));
  }

  corrected(frame) {
    this.#transcript.corrected(frame);
    this.#card.corrected(frame);
  }

  taught(frame) {
    this.#transcript.taught(frame);
  }

  note(note) {
    this.#card.note(note);
    this.#composer.noted(note);
  }

  progress({ state, sentence }) {
    const words = { thinking: "The bot is looking it up…", sentence: `The bot writes: ${sentence}` };
    this.#transcript.progress(words[state] ?? "");
  }

  typing() {
    this.#transcript.customerTypes();
  }

  read({ seq }) {
    this.#transcript.read(seq);
  }

  contact({ email }) {
    this.#card.contact(email);
  }

  draft(frame) {
    this.#suggestion.show(frame);
  }

  acknowledged({ id }) {
    this.#composer.acknowledged(id);
  }

  refused({ id }) {
    this.#suggestion.answered();
    this.#composer.refused(id);
  }

  #suggest() {
    this.#transcript.progress("The bot is drafting an answer that only you will see…");
    return this.#socket.send("suggest", { conversation: this.id });
  }
}
