// An inbox's form: the picture of the chat follows the fields, the bot's sentences follow the tone, and
// the colour can be picked. Without this script, a button shows the picture.

const PAUSE = 500; // milliseconds without typing
const LOOK = ["name", "bot_name", "colour", "logo", "remove_logo", "greeting", "suggestions", "position"];

const button = document.querySelector("[data-look]");
const form = button?.form;

if (form) {
  const fields = LOOK.map((name) => form.elements[name]).filter(Boolean);
  let timer;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(show, PAUSE);
  };
  for (const field of fields) {
    field.addEventListener("input", later);
    field.addEventListener("change", later);
  }
  form.elements.colour.closest("fieldset").after(button.closest("section"));
  pick(form.elements.colour, later);
  button.hidden = true;
  show();
}

const tone = document.querySelector("select[name=tone]");
if (tone) {
  tone.addEventListener("change", () => sound(tone.value));
  sound(tone.value);
}

// A link of the checklist leads into a part of the page that is closed.
const target = document.getElementById(location.hash.slice(1));
if (target) {
  const part = target.closest("details");
  if (part) part.open = true;
  target.scrollIntoView({ block: "center" });
}

/** Shows the chat as the form would leave it. A new frame each time: a frame that goes on to another
 * page would fill the browser's history. */
async function show() {
  const response = await fetch(button.dataset.look, { method: "POST", body: new FormData(form) });
  if (!response.ok) return;
  const old = document.querySelector(".look iframe");
  const fresh = old.cloneNode();
  fresh.srcdoc = await response.text();
  old.replaceWith(fresh);
  fresh.parentElement.dataset.position = form.elements.position?.value ?? "right";
}

/** Puts a colour picker before the field. */
function pick(field, changed) {
  const picker = Object.assign(document.createElement("input"), { type: "color", value: field.value });
  picker.setAttribute("aria-label", "Pick the colour");
  const row = Object.assign(document.createElement("div"), { className: "colour" });
  field.before(row);
  row.append(picker, field);
  picker.addEventListener("input", () => {
    field.value = picker.value;
    changed();
  });
  field.addEventListener("input", () => {
    picker.value = field.value;
  });
}

/** Shows in the empty fields what the bot says in this tone. */
function sound(tone) {
  for (const field of document.querySelectorAll(`[data-${tone}]`)) {
    field.placeholder = field.dataset[tone];
  }
}
