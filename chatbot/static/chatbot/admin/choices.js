// Lets every field with data-choices offer what the server has.

import { offerChoices } from "../common/choices.js";

for (const field of document.querySelectorAll("[data-choices]"))
  offerChoices(field, field.dataset.choices);
