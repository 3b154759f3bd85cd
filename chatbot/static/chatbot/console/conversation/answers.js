// Canned answers: "/" in the empty field, or the button, opens the list; words after it filter it.

import { byId, element } from "../../common/dom.js";
import { composes } from "../../common/keys.js";

export class Answers {
  #field = byId("text");
  #list = byId("answers");
  #all = [];
  #found = [];
  #at = 0;

  constructor() {
    this.#field.addEventListener("input", () => this.#search());
    // Runs before the composer's listener: Enter takes an answer while the list is open.
    this.#field.addEventListener("keydown", (event) => this.#key(event), { capture: true });
    this.#field.addEventListener("blur", () => this.#close());
    byId("canned").addEventListener("click", () => {
      this.#field.value = "/";
      this.#field.focus();
      this.#search();
    });
  }

  fill(answers) {
    this.#all = answers;
    byId("canned").hidden = answers.length === 0;
    this.#close();
  }

  #search() {
    const text = this.#field.value;
    if (!text.startsWith("/") || text.includes("\n")) return this.#close();
    const words = text.slice(1).toLowerCase().split(/\s+/);
    this.#found = this.#all.filter(({ shortcut, text }) =>
      words.every((word) => `${shortcut} ${text}`.toLowerCase().includes(word)),
    );
    this.#at = 0;
    this.#draw();
  }

  #draw() {
    const items = this.#found.map(({ shortcut, text }, place) => {
      const item = element("li", { id: `answer-${place}` }, element("b", { text: `/${shortcut}` }), element("span", { text }));
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(place === this.#at));
      // Not click: the field would lose the focus first, and that closes the list.
      item.addEventListener("mousedown", (event) => {
        event.preventDefault();
        this.#take(place);
      });
      return item;
    });
    this.#list.replaceChildren(...items);
    this.#list.hidden = items.length === 0;
    this.#field.setAttribute("aria-expanded", String(items.length > 0));
    if (items.length) this.#field.setAttribute("aria-activedescendant", `answer-${this.#at}`);
    items[this.#at]?.scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    if (this.#list.hidden || composes(event)) return;
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) {
      const count = this.#found.length;
      this.#at = (this.#at + steps[event.key] + count) % count;
      this.#draw();
    } else if (event.key === "Enter") this.#take(this.#at);
    else if (event.key === "Escape") this.#close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  #take(place) {
    this.#field.value = this.#found[place].text;
    this.#close();
    this.#field.focus();
  }

  #close() {
    this.#list.hidden = true;
    this.#field.setAttribute("aria-expanded", "false");
    this.#field.removeAttribute("aria-activedescendant");
  }
}
