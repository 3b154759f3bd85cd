// The list of messages: in the order of their numbers, unsent ones last; it stays at the newest
// unless the reader has scrolled up.

import { byId } from "../../common/dom.js";
import { Bubble } from "./bubble.js";

const NEAR_THE_END = 80; // pixels
const QUIET = 300; // milliseconds until screen readers have passed over the history

export class Log {
  #list = byId("log");
  #scroller = byId("scroller");
  #newer = byId("newer");
  #items = []; // in the order of the list
  #last = null; // only the newest message asks for an answer
  #byId = new Map();
  #announcing = null;
  #actions;
  #pinned = true; // the reader is at the end and wants to stay there

  /** actions: {resend(id), choose(text), feedback(seq, value) → boolean, file(description) → element} */
  constructor(actions) {
    this.#actions = actions;
    this.#newer.addEventListener("click", () => this.toEnd());
    this.#scroller.addEventListener("scroll", () => this.#scrolled());
    // Messages grow, and the on-screen keyboard makes the window smaller.
    const follow = new ResizeObserver(() => this.#pinned && this.#jump());
    for (const element of [this.#scroller, ...this.#scroller.children]) follow.observe(element);
  }

  /** A message that the server has numbered. */
  add(message) {
    const known = message.id && this.#byId.get(message.id);
    if (known) this.confirm(message.id, message.seq, message.at);
    else this.#place(new Bubble(message, this.#actions), message);
    if (!this.#pinned && message.author !== "customer") this.#newer.hidden = false;
  }

  /** The customer's message on its way to the server. */
  pending({ id, text, attachments, at }) {
    if (this.#byId.has(id)) return;
    const message = { id, seq: Infinity, author: "customer", text, attachments, at, citations: [] };
    this.#place(new Bubble(message, this.#actions), message);
    this.status(id, "sending");
    this.toEnd();
  }

  /** Puts a card {element, seq} below the message with that number. */
  place(card) {
    if (!this.#items.includes(card)) this.#insert(card);
    if (!this.#pinned) this.#newer.hidden = false;
  }

  confirm(id, seq, at = null) {
    const item = this.#byId.get(id);
    if (!item) return;
    item.sent(at);
    if (item.seq === seq) return;
    item.seq = seq;
    const next = this.#items[this.#items.indexOf(item) + 1];
    const previous = this.#items[this.#items.indexOf(item) - 1];
    // Screen readers say an element again when it moves, so it moves only where it must.
    if (next?.seq < seq || previous?.seq > seq) this.#insert(item);
  }

  status(id, status, text = "") {
    this.#byId.get(id)?.status(status, text);
  }

  /** Screen readers stay silent while the history is filled in, and announce what follows. */
  announce(on) {
    clearTimeout(this.#announcing);
    const live = () => this.#list.setAttribute("aria-live", on ? "polite" : "off");
    // They read a change a moment later, under the setting that holds by then.
    if (on) this.#announcing = setTimeout(live, QUIET);
    else live();
  }

  clear() {
    for (const item of this.#items) item.element.remove();
    this.#items = [];
    this.#last = null;
    this.#byId.clear();
    this.toEnd();
  }

  toEnd() {
    this.#pinned = true;
    this.#newer.hidden = true;
    this.#jump();
  }

  #place(item, { id }) {
    if (id) this.#byId.set(id, item);
    this.#insert(item);
  }

  #insert(item) {
    const others = this.#items.filter((other) => other !== item);
    const place = others.findLastIndex((other) => other.seq <= item.seq) + 1;
    this.#list.insertBefore(item.element, others[place]?.element ?? null);
    this.#items = others.toSpliced(place, 0, item);
    const last = this.#items.at(-1);
    if (item !== last) item.newest?.(false);
    if (last === this.#last) return;
    this.#last?.newest?.(false);
    this.#last = last;
    last.newest?.(true);
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#pinned = scrollHeight - scrollTop - clientHeight < NEAR_THE_END;
    if (this.#pinned) this.#newer.hidden = true;
  }

  #jump() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}
