// Views that the agent has saved: a name for a set of filters, kept in this browser.

import { byId, element } from "./draw.js";

const KEY = "attune.views";

export class Views {
  #saved = JSON.parse(localStorage.getItem(KEY) ?? "[]");
  current = () => ({});
  onChosen = () => {};

  constructor() {
    byId("save-view").addEventListener("click", () => byId("view-form").showModal());
    byId("view-form").addEventListener("close", () => this.#save());
    byId("saved-views").addEventListener("change", ({ target }) => this.#chosen(target));
    this.#draw();
  }

  #save() {
    const field = byId("view-name");
    const name = field.value.trim();
    if (byId("view-form").returnValue === "save" && name) {
      const others = this.#saved.filter((view) => view.name !== name);
      this.#keep([...others, { name, wanted: { ...this.current(), page: 0 } }]);
    }
    field.value = "";
  }

  #chosen(select) {
    const [what, place] = select.value.split(":");
    const view = this.#saved[Number(place)];
    if (what === "show") this.onChosen(view.wanted);
    if (what === "drop") this.#keep(this.#saved.filter((other) => other !== view));
    select.value = "";
  }

  #keep(views) {
    this.#saved = views;
    localStorage.setItem(KEY, JSON.stringify(views));
    this.#draw();
  }

  #draw() {
    const select = byId("saved-views");
    const group = (label, what) => {
      const options = this.#saved.map(({ name }, place) =>
        element("option", { value: `${what}:${place}`, text: name }),
      );
      return element("optgroup", { label }, ...options);
    };
    const groups = this.#saved.length ? [group("Show", "show"), group("Forget", "drop")] : [];
    select.replaceChildren(select.firstElementChild, ...groups);
    select.hidden = this.#saved.length === 0;
  }
}
