// A suggested question opens the chat and waits in its composer.
for (const button of document.querySelectorAll("[data-ask]")) {
  button.addEventListener("click", () => window.Attune?.open(button.dataset.ask || null));
}
