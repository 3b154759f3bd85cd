// Fields that offer rows of the server while somebody types: the browser's own list of choices.

import { element } from "./dom.js";

const REST = 200; // milliseconds after the last key

/** Fills the field's datalist from `url`, which answers `?q=…` with rows of an id and a title. The
 * field takes the id of the chosen row or, by title, its title. */
export function offerChoices(field, url, byTitle = false) {
  let timer = null;
  const list = () => document.getElementById(field.getAttribute("list"));
  const fill = async () => {
    const asked = field.value;
    const place = new URL(url, location.href);
    place.searchParams.set("q", asked);
    const answer = await fetch(place);
    // Somebody has typed on, or has chosen a row.
    if (!answer.ok || field.value !== asked || !list()) return;
    const { rows } = await answer.json();
    list().replaceChildren(...rows.map(({ id, title }) => (byTitle ? choice(title, id) : choice(id, title))));
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => fill().catch(() => {}), REST); // without a connection: no choices
  };
  field.addEventListener("input", soon);
  field.addEventListener("focus", soon);
}

function choice(value, label) {
  const made = element("option", { value });
  made.label = label;
  return made;
}
