// Attune's loader, served as /widget.js: puts a launcher and the chat's iframe on the host page.
//
//   <script src="https://chat.example/widget.js" data-inbox="shop"
//           data-identity-url="/my/identity/" defer></script>
//
// data-identity      the identity JWT itself, which the page's server writes, or
// data-identity-url  a path on the page's own origin that answers {"identity": JWT}.
//
// Everything lives in a shadow root with a constructed style sheet, so the page's styles cannot
// reach it and its Content-Security-Policy needs only script-src and frame-src for this origin.
(() => {
  "use strict";

  const script = document.currentScript;
  const origin = new URL(script.src).origin;
  const { inbox, identity: identityToken, identityUrl } = script.dataset;
  if (!inbox) {
    console.error('Attune: the script element needs data-inbox="…" with the key of an inbox.');
    return;
  }

  const SMALL = "(max-width: 480px), (max-height: 480px)";
  const PHONE = matchMedia(SMALL);
  const LOOK_WITHIN = 1_000; // milliseconds until the launcher appears with Attune's own look
  const USED = `attune:${inbox}:used`; // this tab has opened the chat before
  // --accent and --panel are --accent and --ground of styles/theme.css, which this page cannot load.
  const STYLE = `
    :host { all: initial; position: fixed; inset: auto 0 0 auto; z-index: 2147483000;
      --accent: #0e665a; --panel: #ffffff; --rim: rgb(0 0 0 / 8%); color-scheme: light dark;
      --shown: var(--light); --left: auto; --right: calc(20px + env(safe-area-inset-right)); }
    :host([data-position="left"]) { --right: auto; --left: calc(20px + env(safe-area-inset-left)); }
    @media (prefers-color-scheme: dark) { :host { --accent: #1a7769; --panel: #12181a;
      --rim: rgb(255 255 255 / 14%); --shown: var(--dark); } }
    [hidden] { display: none !important; }
    button { position: fixed; right: var(--right); left: var(--left);
      bottom: calc(20px + env(safe-area-inset-bottom)); width: 56px; height: 56px; padding: 0;
      border: 0; border-radius: 50%; background: var(--shown, var(--accent)); color: #fff; cursor: pointer;
      box-shadow: 0 1px 2px rgb(0 0 0 / 18%), 0 8px 24px rgb(0 0 0 / 22%);
      transition: transform .15s, filter .15s; }
    button:hover { filter: brightness(1.1); transform: translateY(-1px); }
    button:focus-visible { outline: 3px solid #fff; box-shadow: 0 0 0 6px var(--shown, var(--accent)); }
    svg { width: 26px; height: 26px; display: block; margin: auto; fill: none; stroke: currentColor;
      stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
    button[aria-expanded="true"] .talk, button[aria-expanded="false"] .shut { display: none; }
    .badge { position: absolute; top: -3px; right: -3px; min-width: 20px; height: 20px;
      box-sizing: border-box; padding: 0 5px; border-radius: 10px; background: #b3261e; color: #fff;
      font: 600 12px/20px system-ui, sans-serif; text-align: center; }
    .panel { position: fixed; right: var(--right); left: var(--left); bottom: 92px;
      width: 384px; height: min(640px, calc(100vh - 112px)); overflow: hidden; border-radius: 18px;
      background: var(--panel); box-shadow: 0 0 0 1px var(--rim), 0 4px 12px rgb(0 0 0 / 10%),
      0 24px 60px rgb(0 0 0 / 24%); animation: rise .2s ease-out; transform-origin: bottom; }
    iframe { display: block; width: 100%; height: 100%; border: 0; }
    @keyframes rise { from { opacity: 0; transform: translateY(12px) scale(.98); } }
    @media ${SMALL} {
      .panel { inset: 0; width: auto; height: 100vh; height: 100dvh; border-radius: 0;
        box-shadow: none; box-sizing: border-box; padding: env(safe-area-inset-top)
        env(safe-area-inset-right) env(safe-area-inset-bottom) env(safe-area-inset-left); }
      button[aria-expanded="true"] { display: none; }
    }
    @media (prefers-reduced-motion: reduce) { .panel { animation: none; } button { transition: none; } }
  `;

  let ready = false; // the chat inside the iframe is listening
  let toFill = null; // text for the composer, kept until the chat listens
  let unread = 0;

  const element = document.createElement("div");
  const root = element.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];

  const frame = document.createElement("iframe");
  frame.title = "Chat with us";

  const panel = document.createElement("div");
  panel.className = "panel";
  panel.hidden = true;
  panel.append(frame);

  const launcher = document.createElement("button");
  launcher.type = "button";
  launcher.append(
    icon("talk", "M4 5.5A2.5 2.5 0 0 1 6.5 3h11A2.5 2.5 0 0 1 20 5.5v8a2.5 2.5 0 0 1-2.5 2.5H12l-5 4.5V16h-.5A2.5 2.5 0 0 1 4 13.5z"),
    icon("shut", "M6 9l6 6 6-6"),
  );
  const badge = document.createElement("span");
  badge.className = "badge";
  badge.setAttribute("aria-hidden", "true");
  launcher.append(badge);
  root.append(panel, launcher);

  function icon(name, path) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("class", name);
    svg.setAttribute("aria-hidden", "true");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  }

  function label() {
    const news = unread === 1 ? ", 1 unread message" : unread ? `, ${unread} unread messages` : "";
    launcher.setAttribute("aria-label", panel.hidden ? `Open chat${news}` : "Close chat");
    launcher.setAttribute("aria-expanded", String(!panel.hidden));
    badge.textContent = unread > 9 ? "9+" : String(unread);
    badge.hidden = !unread || !panel.hidden;
  }

  function load() {
    if (frame.src) return;
    const host = encodeURIComponent(location.origin);
    frame.src = `${origin}/widget/${encodeURIComponent(inbox)}/#host=${host}`;
  }

  function tell(type, more) {
    if (ready) frame.contentWindow.postMessage({ attune: 1, type, ...more }, origin);
  }

  function open(text = null) {
    load();
    remember();
    toFill = text ?? toFill;
    panel.hidden = false;
    label();
    fit();
    frame.focus();
    announceOpen();
  }

  function announceOpen() {
    if (!ready || panel.hidden) return;
    tell("open", { text: toFill });
    toFill = null;
  }

  function close() {
    if (panel.hidden) return;
    const focused = root.activeElement === frame;
    panel.hidden = true;
    label();
    fit();
    tell("shut");
    if (focused) launcher.focus();
  }

  // On phones the chat covers the page. The page must not scroll behind it, and the chat must end
  // where the on-screen keyboard begins, which only visualViewport tells.
  function fit() {
    const covers = !panel.hidden && PHONE.matches;
    document.documentElement.style.overflow = covers ? "hidden" : "";
    const view = window.visualViewport;
    panel.style.height = covers && view ? `${view.height}px` : "";
    panel.style.top = covers && view ? `${view.offsetTop}px` : "";
    panel.style.bottom = covers && view ? "auto" : "";
  }

  // The browser may forbid storage; the chat then loads with the first click.
  function remember() {
    try {
      sessionStorage.setItem(USED, "1");
    } catch {
      return;
    }
  }

  function usedBefore() {
    try {
      return sessionStorage.getItem(USED) === "1";
    } catch {
      return false;
    }
  }

  async function identity() {
    if (!identityUrl) return identityToken || null;
    const url = new URL(identityUrl, location.href);
    if (url.origin !== location.origin) {
      console.error("Attune: data-identity-url must be a path on this page's own origin.");
      return null;
    }
    const options = { credentials: "same-origin", cache: "no-store", headers: { Accept: "application/json" } };
    const response = await fetch(url, options);
    if (response.status >= 500) throw new Error(`identity: HTTP ${response.status}`);
    return response.ok ? ((await response.json()).identity ?? null) : null;
  }

  // `failed` keeps a lost request from turning a signed-in customer into an anonymous visitor.
  async function giveIdentity() {
    try {
      tell("identity", { token: await identity() });
    } catch {
      tell("identity", { token: null, failed: true });
    }
  }

  function started() {
    ready = true;
    announceOpen();
  }

  function count(message) {
    unread = Number(message.count) || 0;
    label();
  }

  const handlers = new Map([
    ["ready", started],
    ["identity", giveIdentity],
    ["close", close],
    ["unread", count],
  ]);

  addEventListener("message", (event) => {
    if (event.origin !== origin || event.source !== frame.contentWindow) return;
    if (event.data?.attune === 1) handlers.get(event.data.type)?.(event.data);
  });
  launcher.addEventListener("click", () => (panel.hidden ? open() : close()));
  launcher.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  PHONE.addEventListener("change", fit);
  window.visualViewport?.addEventListener("resize", fit);
  window.visualViewport?.addEventListener("scroll", fit);

  // A module, so that a page that allows this script allows it too; without it, the look is ours.
  async function inboxLook() {
    const { default: look } = await import(`${origin}/widget/${encodeURIComponent(inbox)}/look.js`);
    element.dataset.position = look.position;
    for (const scheme of ["light", "dark"]) element.style.setProperty(`--${scheme}`, look[scheme] ?? "");
  }

  async function mount() {
    const late = new Promise((resolve) => setTimeout(resolve, LOOK_WITHIN));
    await Promise.race([inboxLook().catch(() => {}), late]);
    document.body.append(element);
    label();
    // A running conversation loads in the background, so that the badge can count its messages.
    if (usedBefore()) load();
  }

  if (document.body) mount();
  else addEventListener("DOMContentLoaded", mount);

  window.Attune = { open: (text) => open(typeof text === "string" ? text : null), close };
})();
