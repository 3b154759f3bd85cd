// Views that the agent has saved: a name for a set of filters.

import { byId, element } from "../../common/dom.js";
import { written } from "../../common/written.js";

export class SavedViews {
  #saved = [];

  // Set by the owner.
  current = () => ({});
  onChosen = (_filters) => {};
  onSave = (_view) => {};
  onDelete = (_name) => {};

  constructor() {
    byId("save-view").addEventListener("click", () => byId("view-form").showModal());
    byId("view-form").addEventListener("close", () => this.#save());
    byId("saved-views").addEventListener("change", ({ target }) => this.#chosen(target));
  }

  know(saved) {
    this.#saved = saved;
    const select = byId("saved-views");
    const groups = saved.length ? [this.#group("Show", "show"), this.#group("Delete", "drop")] : [];
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
    if (byId("view-form").returnValue === "save" && name) this.onSave({ ...this.current(), name });
    field.value = "";
  }

  #chosen(select) {
    const [what, place] = select.value.split(":");
    const view = this.#saved[Number(place)];
    if (what === "show") this.onChosen(view.wanted);
    if (what === "drop") this.onDelete(view.name);
    select.value = "";
  }
}
