// Names what the theme's forms leave unnamed, for screen readers: a field in a table gets the name of
// its column, a list that is searched the name of its field, a help icon the role of an image, and the
// part beside the sidebar that of the main one.

const FIELDS = "td[data-label] :is(input, select, textarea):not([type=hidden])";

function name() {
  const main = document.querySelector("main") ?? document.getElementById("main");
  (main ?? document.getElementById("page"))?.setAttribute("role", "main");
  for (const field of document.querySelectorAll(FIELDS))
    if (!field.labels.length && !field.ariaLabel) field.ariaLabel = field.closest("td").dataset.label;
  for (const icon of document.querySelectorAll(".help-tooltip")) icon.setAttribute("role", "img");
  for (const select of document.querySelectorAll("select.select2-hidden-accessible")) nameSearched(select);
}

function nameSearched(select) {
  const label = select.labels[0];
  const chosen = select.nextElementSibling?.querySelector(".select2-selection--single [role=textbox]");
  if (!label || !chosen) return;
  label.id ||= `${select.id}-label`;
  chosen.setAttribute("aria-labelledby", label.id);
  chosen.parentElement.setAttribute("aria-labelledby", `${label.id} ${chosen.id}`);
}

// Django's own scripts draw some fields after the page has loaded, and add rows later.
addEventListener("load", () => setTimeout(name));
document.addEventListener("formset:added", name);

// The theme writes the name of a chosen file into a field of its own, and fails where there is none.
addEventListener("DOMContentLoaded", () => {
  for (const input of document.querySelectorAll("input[type=file]"))
    input.hasChangeListener = !input.closest(":has(> label > input[type=text][disabled])");
});
