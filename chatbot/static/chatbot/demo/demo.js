// A suggested question opens the chat and lies ready in its composer.
for (const button of document.querySelectorAll("[data-ask]")) {
  button.addEventListener("click", () => window.Attune?.open(button.dataset.ask || null));
}
