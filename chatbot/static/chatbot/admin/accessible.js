// Names what the theme's forms leave unnamed, for screen readers: a field in a table gets the name of
// its column, and a help icon the role of an image.

const FIELDS = "td[data-label] :is(input, select, textarea):not([type=hidden])";

function name() {
  for (const field of document.querySelectorAll(FIELDS))
    if (!field.labels.length && !field.ariaLabel) field.ariaLabel = field.closest("td").dataset.label;
  for (const icon of document.querySelectorAll(".help-tooltip")) icon.setAttribute("role", "img");
}

// Django's own scripts draw some fields after the page has loaded, and add rows later.
addEventListener("load", () => setTimeout(name));
document.addEventListener("formset:added", name);
