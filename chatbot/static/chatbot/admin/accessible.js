// What the theme's forms leave without a name: a field in a table has its column's, and an icon that
// has one is an image.

const FIELDS = "td[data-label] :is(input, select, textarea):not([type=hidden])";

function name() {
  for (const field of document.querySelectorAll(FIELDS))
    if (!field.labels.length && !field.ariaLabel) field.ariaLabel = field.closest("td").dataset.label;
  for (const icon of document.querySelectorAll(".help-tooltip")) icon.setAttribute("role", "img");
}

// Django's own scripts draw some of it when the page has loaded, and rows that are added later.
addEventListener("load", () => setTimeout(name));
document.addEventListener("formset:added", name);
