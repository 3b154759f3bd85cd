// Views that the agent has saved: a name for a set of filters.

import { written } from "../../common/written.js";
import { byId, element } from "../draw.js";

export class Views {
  #saved = [];
  current = () => ({});
  send = () => {};
  onChosen = () => {};

  constructor() {
    byId("save-view").addEventListener("click", () => byId("view-form").showModal());
    byId("view-form").addEventListener("close", () => this.#save());
    byId("saved-views").addEventListener("change", ({ target }) => this.#chosen(target));
  }

  know(saved) {
    this.#saved = saved;
    const select = byId("saved-views");
    const groups = saved.length ? [this.#group("Show", "show"), this.#group("Forget", "drop")] : [];
    select.replaceChildren(select.firstElementChild, ...groups);
    select.hidden = saved.length === 0;
  }

  #group(label, what) {
    const options = this.#saved.map(({ name }, place) =>
      element("option", { value: `${what}:${place}`, text: name }),
    );
    return element("optgroup", { label }, ...options);
  }

  #save() {
    const field = byId("view-name");
    const name = written(field.value);
    if (byId("view-form").returnValue === "save" && name) this.send("save_view", { ...this.current(), name });
    field.value = "";
  }

  #chosen(select) {
    const [what, place] = select.value.split(":");
    const view = this.#saved[Number(place)];
    if (what === "show") this.onChosen(view.wanted);
    if (what === "drop") this.send("drop_view", { name: view.name });
    select.value = "";
  }
}
