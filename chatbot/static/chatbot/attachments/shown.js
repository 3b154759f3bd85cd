// Files as they are shown, in a message and before they are sent. Names go in as text.

import { size } from "./upload.js";

const FRESH = 5 * 60_000;
const PAPER = "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6";
const SVG = "http://www.w3.org/2000/svg";

export const isImage = ({ type }) => type.startsWith("image/");

/** renew: asks for a description with a new address, where addresses end. */
export function shown(file, renew = null) {
  const link = document.createElement("a");
  link.className = isImage(file) ? "picture" : "document";
  link.href = file.url;
  link.rel = "noopener";
  if (isImage(file)) link.target = "_blank";
  else link.download = file.name;
  link.append(...(isImage(file) ? [picture(file, link, renew)] : [paper(), words(file)]));
  if (renew) keepFresh(link, file, renew);
  return link;
}

function picture(file, link, renew) {
  const image = document.createElement("img");
  image.alt = `Image: ${file.name}`;
  image.src = file.url;
  const again = async () => (image.src = link.href = (await renew(file.id)).url);
  if (renew) image.addEventListener("error", () => again().catch(() => {}), { once: true });
  return image;
}

function words(file) {
  const text = document.createElement("span");
  const name = document.createElement("b");
  const about = document.createElement("small");
  name.textContent = file.name;
  about.textContent = `PDF, ${size(file.bytes)}`;
  text.append(name, about);
  return text;
}

export function paper() {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PAPER);
  svg.append(path);
  return svg;
}

function keepFresh(link, file, renew) {
  let got = Date.now();
  link.addEventListener("click", async (event) => {
    if (Date.now() - got < FRESH) return;
    event.preventDefault();
    link.href = (await renew(file.id)).url;
    got = Date.now();
    link.click();
  });
}
