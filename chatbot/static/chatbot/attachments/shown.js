// Files as a message shows them. Names go in as text.

import { element, svg } from "../common/dom.js";
import { size } from "./upload.js";

const FRESH = 5 * 60_000; // milliseconds; an older address may have expired
const PAPER = "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6";

export const isImage = ({ type }) => type.startsWith("image/");

/** renew(id): fetches a description with a new address, where addresses expire. */
export function shown(file, renew = null) {
  const className = isImage(file) ? "picture" : "document";
  const link = element("a", { className, href: file.url, rel: "noopener" });
  if (isImage(file)) link.target = "_blank";
  else link.download = file.name;
  link.append(...(isImage(file) ? [picture(file, link, renew)] : [paper(), words(file)]));
  if (renew) keepFresh(link, file, renew);
  return link;
}

function picture(file, link, renew) {
  const image = element("img", { alt: `Image: ${file.name}`, src: file.url });
  const again = async () => (image.src = link.href = (await renew(file.id)).url);
  if (renew) image.addEventListener("error", () => again().catch(() => {}), { once: true });
  return image;
}

function words(file) {
  const about = `PDF, ${size(file.bytes)}`;
  const name = element("b", { textContent: file.name });
  return element("span", {}, name, element("small", { textContent: about }));
}

export function paper() {
  return svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: PAPER }));
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
