// Shows how far a worker has come, and loads the page again when the state of its work changes.

const LOOKS_EVERY = 1000; // milliseconds
const progress = document.getElementById("progress");
const bar = progress.querySelector("progress");

async function look() {
  try {
    const answer = await fetch(progress.dataset.url);
    if (!answer.ok) throw new Error(answer.statusText);
    const { state, text, done, total } = await answer.json();
    if (state !== progress.dataset.state) return location.reload();
    // Without a value, nobody knows yet how much there is to do.
    if (bar.hasAttribute("value")) Object.assign(bar, { max: total || 1, value: done });
    progress.querySelector("[role=status]").textContent = text;
  } catch {
    // The server may be starting again; the next look comes soon.
  }
  setTimeout(look, LOOKS_EVERY);
}

setTimeout(look, LOOKS_EVERY);
