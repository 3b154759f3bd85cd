// Keyboard shortcuts: single letters, outside of fields.

import { composes } from "../common/keys.js";

const FIELDS = "input, textarea, select";

export function listen(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || composes(event)) return;
    if (event.target.matches(FIELDS)) {
      if (event.key !== "Escape") return;
      event.preventDefault(); // or the browser empties a search field
      event.target.blur();
      return;
    }
    const action = actions[event.key];
    if (!action || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    action();
  });
}
