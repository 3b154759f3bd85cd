// The keyboard all the way: single letters, while nothing is being written.

import { composes } from "../common/keys.js";

const FIELDS = "input, textarea, select";

export function listen(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || composes(event)) return;
    if (event.target.matches(FIELDS)) {
      if (event.key !== "Escape") return;
      event.preventDefault(); // Else the browser empties a field of search.
      event.target.blur();
      return;
    }
    const action = actions[event.key];
    if (!action || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    action();
  });
}
