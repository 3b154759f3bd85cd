// The list of conversations: a page of rows, kept in order as they change.

import { byId } from "../../common/dom.js";
import { written } from "../../common/written.js";
import { drawRow, since } from "./row.js";

const SEARCH_AFTER = 300;
const CLOCK = 30_000;
const COUNT_AFTER = 10_000; // changes on other pages of a long list are counted this much later

function before(one, other) {
  const at = one.key.findIndex((value, i) => value !== other.key[i]);
  return at >= 0 && one.key[at] < other.key[at];
}

export class Queue {
  #rows = new Map(); // id -> { row, item }
  #list = byId("rows");
  #form = byId("filters");
  #total = 0;
  #page = 0;
  #pages = 0;
  #more = false;
  #recount = null;
  #view = "open";
  #timer = null;
  chosen = null;

  // Set by the owner.
  onWanted = (_filters) => {};
  onOpen = (_id) => {};

  constructor() {
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("change", () => this.#ask(0));
    this.#form.elements.search.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#ask(0), SEARCH_AFTER);
    });
    for (const button of this.#form.querySelectorAll("[data-view]"))
      button.addEventListener("click", () => this.show(button.dataset.view));
    for (const button of byId("pages").querySelectorAll("button"))
      button.addEventListener("click", () => this.#ask(this.#page + Number(button.dataset.step)));
    setInterval(() => this.#tick(), CLOCK);
  }

  get wanted() {
    const { search, state, mood, inbox } = this.#form.elements;
    const words = { search: written(search.value), state: state.value, mood: mood.value, inbox: inbox.value };
    return { view: this.#view, page: this.#page, ...words };
  }

  show(view) {
    this.#view = view;
    for (const button of this.#form.querySelectorAll("[data-view]"))
      button.setAttribute("aria-pressed", String(button.dataset.view === view));
    this.#ask(0);
  }

  /** The filters as they were saved. */
  restore({ view, search, state = "", mood, inbox }) {
    const fields = this.#form.elements;
    [fields.search.value, fields.state.value] = [search, state];
    [fields.mood.value, fields.inbox.value] = [mood, inbox];
    this.show(view);
  }

  search() {
    this.#form.elements.search.focus();
  }

  #ask(page) {
    this.#page = Math.max(0, page);
    this.onWanted(this.wanted);
  }

  /** The agent keeps the place in the list. */
  fill({ rows, total, more, page, pages }) {
    clearTimeout(this.#recount);
    this.#recount = null;
    const focused = [...this.#rows.keys()].find((id) =>
      this.#rows.get(id).item.contains(document.activeElement),
    );
    const top = page === this.#page ? this.#list.scrollTop : 0;
    this.#rows.clear();
    this.#list.replaceChildren();
    for (const row of rows) {
      const item = this.#draw(row);
      this.#rows.set(row.id, { row, item });
      this.#list.append(item);
    }
    [this.#total, this.#more, this.#page, this.#pages] = [total, more, page, pages];
    byId("pages").hidden = pages < 2;
    byId("page-number").textContent = `${page + 1} of ${pages}`;
    const [previous, next] = byId("pages").querySelectorAll("button");
    [previous.disabled, next.disabled] = [page === 0, page + 1 >= pages];
    this.#rows.get(focused)?.item.firstChild.focus();
    this.#list.scrollTop = top;
    this.#count();
  }

  /** A row that is new, or has changed and may belong elsewhere, even on another page. */
  put(row) {
    const known = this.#rows.get(row.id);
    if (!known) this.#countLater();
    if (!known && !this.#onThisPage(row)) return;
    const focused = known?.item.contains(document.activeElement);
    if (known) known.item.remove();
    else this.#total += 1;
    const item = this.#draw(row);
    const next = [...this.#rows.values()]
      .filter((other) => other.row.id !== row.id && before(row, other.row))
      .sort((one, other) => (before(one.row, other.row) ? -1 : 1))[0];
    this.#list.insertBefore(item, next?.item ?? null);
    this.#rows.set(row.id, { row, item });
    if (focused) item.firstChild.focus();
    this.#count();
  }

  #onThisPage(row) {
    const rows = [...this.#rows.values()].map((one) => one.row);
    const earlier = this.#page > 0 && !rows.some((other) => before(other, row));
    const later = this.#page + 1 < this.#pages && !rows.some((other) => before(row, other));
    return !earlier && !later;
  }

  drop(id) {
    const known = this.#rows.get(id);
    if (!known) return;
    known.item.remove();
    this.#rows.delete(id);
    this.#total -= 1;
    this.#count();
    if (this.#pages > 1) this.#countLater();
  }

  #countLater() {
    this.#recount ??= setTimeout(() => this.#ask(this.#page), COUNT_AFTER);
  }

  choose(id) {
    this.chosen = id;
    for (const [other, { item }] of this.#rows)
      item.firstChild.setAttribute("aria-current", String(other === id));
  }

  /** Moves the focus to the conversation `step` places further. */
  move(step) {
    const buttons = [...this.#list.querySelectorAll("button")];
    const at = buttons.findIndex((button) => button === document.activeElement);
    const current = at >= 0 ? at : buttons.findIndex((b) => b.ariaCurrent === "true");
    buttons[Math.min(buttons.length - 1, Math.max(0, current + step))]?.focus();
  }

  #count() {
    const count = `${this.#more ? "More than " : ""}${this.#total.toLocaleString()}`;
    const many = this.#total === 1 ? "conversation" : "conversations";
    byId("count").textContent = this.#total ? `${count} ${many}` : this.#none();
  }

  #none() {
    const { view, search } = this.wanted;
    if (!search) return "There are no conversations here.";
    return view === "closed" ? "Nothing found." : "Nothing found. Try the closed conversations.";
  }

  #tick() {
    for (const { row, item } of this.#rows.values())
      item.querySelector(".since").textContent = since(row);
  }

  #draw(row) {
    return drawRow(row, row.id === this.chosen, () => this.onOpen(row.id));
  }
}
