/* Shows how far asking again has come, by reading the page anew while questions wait. */

const EVERY = 3000;

async function refresh() {
  const shown = document.querySelector("#questions");
  if (!shown || !("waiting" in shown.dataset)) return;
  // A button that somebody has reached with the keyboard must not vanish from under them.
  if (!shown.contains(document.activeElement)) {
    try {
      const answer = await fetch(location.href);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("#questions");
      if (fresh) shown.replaceWith(fresh);
    } catch {
      // The server may be away for a moment.
    }
  }
  setTimeout(refresh, EVERY);
}

setTimeout(refresh, EVERY);
