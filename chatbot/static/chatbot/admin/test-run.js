// Keeps the progress of a run up to date, and shows the result once it is there.

const EVERY = 2000; // milliseconds
const bar = document.getElementById("progress");

async function look() {
  const answer = await fetch(bar.dataset.state);
  if (!answer.ok) return;
  const { done, total, open } = await answer.json();
  if (!open) location.reload();
  bar.value = done;
  document.getElementById("count").textContent = `${done} of ${total}`;
}

if (bar) setInterval(() => look().catch(() => {}), EVERY); // without a connection: the next look
