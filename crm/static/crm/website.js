// Shows the progress of a website that is being read, and loads the page again when the run has ended.

const LOOKS_EVERY = 2000; // milliseconds
const progress = document.getElementById("progress");

async function look() {
  try {
    const answer = await fetch(progress.dataset.url);
    if (!answer.ok) throw new Error(answer.statusText);
    const { reading, text, done, total } = await answer.json();
    if (!reading) return location.reload();
    Object.assign(progress.querySelector("progress"), { max: total || 1, value: done });
    progress.querySelector("[role=status]").textContent = text;
  } catch {
    // The server may be starting again; the next look comes soon.
  }
  setTimeout(look, LOOKS_EVERY);
}

setTimeout(look, LOOKS_EVERY);
