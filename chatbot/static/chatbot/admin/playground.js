// Says how long the bot has been looking: an answer can take some seconds.

const form = document.getElementById("ask");
const progress = document.getElementById("progress");

form.addEventListener("submit", () => {
  const began = Date.now();
  form.querySelector("button").disabled = true;
  progress.textContent = "The bot is looking it up…";
  // Seconds are for the eye: a screen reader has heard the sentence.
  const seconds = document.createElement("span");
  seconds.ariaHidden = "true";
  progress.after(seconds);
  setInterval(() => (seconds.textContent = `${Math.round((Date.now() - began) / 1000)} s`), 1000);
});

// Back from another page, the browser shows this one as it was left.
window.addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

form.elements.question.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
