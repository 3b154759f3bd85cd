// One field of a form as a labelled control. The browser checks the value; the server checks again.

import { written } from "../../common/written.js";

const INPUTS = {
  text: { type: "text", maxLength: 300 },
  phone: { type: "tel", maxLength: 40, autocomplete: "tel" },
  email: { type: "email", maxLength: 254, autocomplete: "email" },
  date: { type: "date" },
};

/** {element, input, read() → {label, shown}} */
export function control({ name, label, kind, required, value, choices }, form) {
  const input = choices.length || !INPUTS[kind] ? select(choices, required) : typed(kind);
  input.name = name;
  input.id = `${form}-${name}`;
  input.required = required;
  input.value = value;
  const title = document.createElement("label");
  title.htmlFor = input.id;
  title.textContent = required ? label : `${label} (optional)`;
  const element = document.createElement("div");
  element.className = "control";
  element.append(title, input);
  return { element, input, read: () => ({ label, shown: shown(input, kind) }) };
}

function typed(kind) {
  const input = document.createElement("input");
  return Object.assign(input, { autocomplete: "off", ...INPUTS[kind] });
}

function select(choices, required) {
  const input = document.createElement("select");
  input.append(new Option(required ? "Please choose" : "None", ""));
  input.append(...choices.map(({ value, label }) => new Option(label, value)));
  return input;
}

function shown(input, kind) {
  if (input.selectedOptions) return input.selectedOptions[0].text;
  if (kind !== "date") return written(input.value);
  const day = { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" };
  return new Intl.DateTimeFormat("en-GB", day).format(new Date(input.value));
}
