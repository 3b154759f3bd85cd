// Lets every field with data-choices offer what the server has, and a link with data-title and data-body take the
// words of the page along into the form of a new article.

import { offerChoices } from "../common/choices.js";

for (const field of document.querySelectorAll("[data-choices]"))
  offerChoices(field, field.dataset.choices, "byTitle" in field.dataset);

for (const link of document.querySelectorAll("a[data-title]"))
  link.addEventListener("click", () => {
    const { title } = link.dataset;
    const body = link.closest("form").elements.answer.value;
    link.href = `${link.pathname}?${new URLSearchParams({ title, body })}`;
  });
