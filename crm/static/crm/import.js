// Keeps the list of imports up to date while a worker is busy with one, and shows the preview of the choices while they
// are made.

const LOOKS_EVERY = 1000; // milliseconds
const WAIT = 300; // milliseconds after the last change
const choices = document.getElementById("choices");
let timer = 0;
let asked = null;

async function lookAtList() {
  const list = document.getElementById("changelist-form");
  if (!list.querySelector("[data-busy]")) return;
  // What somebody has ticked would be lost.
  if (!list.querySelector("input[type=checkbox]:checked")) {
    try {
      const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
      const [old, fresh] = [list, page].map((one) => one.querySelector("#result_list"));
      if (old && fresh && old.innerHTML !== fresh.innerHTML) old.replaceWith(fresh);
    } catch {
      // The server may be starting again; the next look comes soon.
    }
  }
  setTimeout(lookAtList, LOOKS_EVERY);
}

async function preview() {
  asked?.abort();
  asked = new AbortController();
  const status = document.getElementById("preview-state");
  try {
    const body = new URLSearchParams(new FormData(choices));
    body.set("preview", "1");
    const answer = await fetch(location.href, { method: "POST", body, signal: asked.signal });
    if (!answer.ok) throw new Error(`Error ${answer.status}. Reload the page, or try again later.`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("preview");
    if (fresh) document.getElementById("preview").replaceChildren(...fresh.childNodes);
    else location.reload(); // Somebody else has started or cancelled it.
  } catch (error) {
    if (error.name !== "AbortError" && status) status.textContent = `The preview does not work at the moment. ${error.message}`;
  }
}

if (document.getElementById("changelist-form")) setTimeout(lookAtList, LOOKS_EVERY);
if (document.getElementById("again")) {
  document.getElementById("again").hidden = true;
  choices.addEventListener("change", () => {
    clearTimeout(timer);
    timer = setTimeout(preview, WAIT);
  });
}
