// The editor of an article: a toolbar and shortcuts for Markdown, a preview that follows the text, and
// a warning before unsaved text is left.

const WAIT = 400; // milliseconds after the last key
const form = document.getElementById("article_form");
const text = document.getElementById("id_body");
const title = document.getElementById("id_title");
const preview = document.getElementById("preview");
const trouble = document.getElementById("preview-trouble");
const toolbar = document.querySelector("[role=toolbar]");
const tabs = [...preview.querySelectorAll("[role=tab]")];
const KEYS = { KeyB: "bold", KeyK: "link" };
const SHIFTED = { Digit6: "heading", Digit7: "numbers", Digit8: "points", Digit9: "table" };
const TABLE = ["| Size | Chest | Waist |", "| --- | --- | --- |", "| S | 88 cm | 74 cm |"].join("\n");

// --- Markdown

// Types over a part of the text, so that the browser can undo it, and selects a part of what was typed.
function type(start, end, typed, from = typed.length, to = from) {
  text.focus();
  text.setSelectionRange(start, end);
  if (!document.execCommand("insertText", false, typed)) {
    text.setRangeText(typed, start, end);
    text.dispatchEvent(new Event("input", { bubbles: true }));
  }
  text.setSelectionRange(start + from, start + to);
}

function bold(start, end, chosen) {
  if (/^\*\*.+\*\*$/s.test(chosen)) return type(start, end, chosen.slice(2, -2), 0, chosen.length - 4);
  const words = chosen || "bold text";
  type(start, end, `**${words}**`, 2, 2 + words.length);
}

function link(start, end, chosen) {
  const words = chosen || "link text";
  const address = "https://";
  const at = words.length + 3;
  type(start, end, `[${words}](${address})`, at, at + address.length);
}

// Marks all chosen lines, or unmarks them if each has the mark.
function lines(start, end, pattern, mark) {
  const first = text.value.lastIndexOf("\n", start - 1) + 1;
  const next = text.value.indexOf("\n", end);
  const last = next < 0 ? text.value.length : next;
  const old = text.value.slice(first, last).split("\n");
  const marked = old.every((line) => pattern.test(line));
  const typed = old.map((line, index) => (marked ? "" : mark(index)) + line.replace(pattern, "")).join("\n");
  type(first, last, typed, old.length > 1 ? 0 : typed.length, typed.length);
}

function table(start, end) {
  const before = text.value.slice(0, start);
  const gap = before && !before.endsWith("\n\n") ? (before.endsWith("\n") ? "\n" : "\n\n") : "";
  type(end, end, `${gap}${TABLE}\n`, gap.length + 2, gap.length + 6);
}

const MARKS = {
  bold,
  link,
  table,
  heading: (start, end) => lines(start, end, /^#{1,6} +/, () => "## "),
  points: (start, end) => lines(start, end, /^[-*] +/, () => "- "),
  numbers: (start, end) => lines(start, end, /^\d{1,9}[.)] +/, (index) => `${index + 1}. `),
};

function mark(name) {
  const { selectionStart: start, selectionEnd: end } = text;
  MARKS[name](start, end, text.value.slice(start, end));
}

text.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
  const name = (event.shiftKey ? SHIFTED : KEYS)[event.code];
  if (!name) return;
  event.preventDefault();
  mark(name);
});

toolbar.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) mark(button.dataset.mark);
});

// --- arrow keys in the toolbar and between the tabs

function roam(group, members, chosen) {
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = members.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = members[(at + step + members.length) % members.length];
    for (const member of members) member.tabIndex = member === next ? 0 : -1;
    next.focus();
    chosen?.(next);
  });
}

function choose(tab) {
  for (const one of tabs) {
    const chosen = one === tab;
    one.setAttribute("aria-selected", String(chosen));
    one.tabIndex = chosen ? 0 : -1;
    document.getElementById(one.getAttribute("aria-controls")).hidden = !chosen;
  }
}

roam(toolbar, [...toolbar.querySelectorAll("button")]);
roam(tabs[0].parentElement, tabs, choose);
for (const tab of tabs) tab.addEventListener("click", () => choose(tab));

// --- the preview

let asked = null;
let timer = 0;

function show(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const panel of preview.querySelectorAll("[role=tabpanel]"))
    panel.replaceChildren(...page.getElementById(panel.id).childNodes);
  // A link that is tried out must not lead away from the text.
  for (const one of preview.querySelectorAll("a")) Object.assign(one, { target: "_blank", rel: "noopener noreferrer" });
}

async function ask() {
  asked?.abort();
  asked = new AbortController();
  const body = new URLSearchParams({ title: title.value, body: text.value });
  const headers = { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
  try {
    const answer = await fetch(preview.dataset.url, { method: "POST", body, headers, signal: asked.signal });
    if (!answer.ok || answer.redirected) throw new Error("Log in again in another tab, or reload the page later.");
    show(await answer.text());
    trouble.hidden = true;
  } catch (error) {
    if (error.name === "AbortError") return;
    trouble.textContent = `The preview does not work at the moment. ${error.message}`;
    trouble.hidden = false;
  }
}

for (const input of [title, text])
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT);
  });
ask();

// --- unsaved text

// A form that was refused is not saved either.
let unsaved = form.querySelector(".errornote, .errorlist, .errors") !== null;

function stay(event) {
  if (unsaved) event.preventDefault();
}

form.addEventListener("input", () => (unsaved = true));
form.addEventListener("change", () => (unsaved = true));
form.addEventListener("submit", () => removeEventListener("beforeunload", stay));
addEventListener("beforeunload", stay);
addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.code !== "KeyS") return;
  event.preventDefault();
  document.querySelector("button[name=_save]").click();
});
