// Shows the changes that a pasted payload would make under the form's dialect and mapping. Saves nothing.

const WAIT = 400; // milliseconds after the last key
const FIELDS = ["id", "kind", "customer", "text", "updated_at"];
const panel = document.getElementById("preview");
const outcome = document.getElementById("preview-outcome");
const rows = document.getElementById("preview-rows");
const form = panel.closest("form");
const inputs = ["dialect", "mapping", "payload", "name", "own_ids"].map((name) => form.elements[name]);
let asked = null;
let timer = 0;

function made(tag, text, parent) {
  const element = document.createElement(tag);
  element.textContent = text;
  parent.append(element);
  return element;
}

function written(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function pair(list, name, value) {
  made("dt", name, list);
  made("dd", written(value), list);
}

function row({ type, data }) {
  const item = document.createElement("li");
  made("h3", data.title ?? type, item);
  if (type !== "record.upserted" || data.deleted) made("p", data.deleted ? "is deleted" : type, item);
  const list = made("dl", "", item);
  const known = type === "record.upserted" ? FIELDS : Object.keys(data);
  for (const name of known) {
    if (name === "customer" && !data.customer) pair(list, name, "none: everybody may see this record");
    else if (data[name] != null && data[name] !== "") pair(list, name, data[name]);
  }
  for (const [name, value] of Object.entries(data.fields ?? {})) pair(list, name, value ?? "nothing found");
  return item;
}

function show(answer) {
  const { error = "", changes = [], count = 0 } = answer;
  outcome.className = error ? "alert" : "quiet";
  const more = count > changes.length ? `; the first ${changes.length} are shown` : "";
  outcome.textContent = error || (count ? `${count} ${count === 1 ? "change" : "changes"}${more}` : "The payload contains no records.");
  rows.replaceChildren(...changes.map(row));
}

async function ask() {
  asked?.abort();
  const [dialect, mapping, payload, name, own_ids] = inputs.map((input) => input?.value ?? "");
  if (!payload.trim()) return void (outcome.textContent = "", rows.replaceChildren());
  asked = new AbortController();
  const source = panel.dataset.source;
  const body = new URLSearchParams({ dialect, mapping, payload, name, own_ids, source });
  const headers = { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
  try {
    const answer = await fetch(panel.dataset.url, { method: "POST", body, headers, signal: asked.signal });
    if (!answer.ok) throw new Error(`Error ${answer.status}. Reload the page, or try again later.`);
    show(await answer.json());
  } catch (error) {
    if (error.name !== "AbortError") show({ error: `The preview does not work at the moment. ${error.message}` });
  }
}

for (const input of inputs) {
  for (const event of ["input", "change"]) {
    input?.addEventListener(event, () => {
      clearTimeout(timer);
      timer = setTimeout(ask, WAIT);
    });
  }
}
