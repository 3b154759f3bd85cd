// Texts of messages with what can be clicked and a little emphasis: addresses, phone numbers,
// **bold** and lists. Built from text nodes and elements; nothing of a text is read as HTML.

const LINK = new RegExp(
  [
    String.raw`(?<url>https?:\/\/[^\s<>"'“”„]+)`,
    String.raw`(?<mail>[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[a-z]{2,24})`,
    // A number without a plus needs spaces or brackets: 0012345678 may be an order, 05/04/2026 a day.
    String.raw`(?<![\w.+-])(?<phone>\+\d(?:[ ()\/-]{0,2}\d){6,14}|\(?0\d{1,5}\)? ?\d{2,5}(?: \d{2,6}){1,3})(?![\w-])`,
    String.raw`\*\*(?<bold>[^*\n]{1,300})\*\*`,
  ].join("|"),
  "giu",
);
const ITEM = /^ {0,3}[-•*] +(?=\S)/;
const CLOSING = ".,;:!?)]}'\"’”";

/** Returns a fragment with the text; each list becomes a <ul>. */
export function rich(text) {
  const fragment = document.createDocumentFragment();
  let list = null;
  let prose = [];
  const flush = () => {
    if (prose.length) fragment.append(...inline(prose.join("\n")));
    prose = [];
  };
  for (const line of text.split("\n")) {
    if (!ITEM.test(line)) {
      list = null;
      prose.push(line);
      continue;
    }
    if (!list) {
      flush();
      list = fragment.appendChild(document.createElement("ul"));
    }
    const item = document.createElement("li");
    item.append(...inline(line.replace(ITEM, "")));
    list.append(item);
  }
  flush();
  return fragment;
}

function inline(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(LINK)) {
    const { url, mail, phone, bold } = found.groups;
    const shown = url ? trimmed(url) : found[0];
    if (found.index > end) parts.push(text.slice(end, found.index));
    if (bold) parts.push(Object.assign(document.createElement("strong"), { textContent: bold }));
    else parts.push(link(url ? shown : mail ? `mailto:${mail}` : `tel:${phone.replace(/[^\d+]/g, "")}`, shown));
    end = found.index + shown.length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return parts;
}

/** An address without the punctuation of its sentence; a bracket that it opened stays. */
function trimmed(url) {
  let end = url.length;
  while (end && CLOSING.includes(url[end - 1])) {
    if (url[end - 1] === ")" && url.slice(0, end).includes("(")) break;
    end -= 1;
  }
  return url.slice(0, end);
}

function link(href, text) {
  const element = document.createElement("a");
  element.href = href;
  element.textContent = text;
  element.rel = "noopener noreferrer nofollow";
  if (/^https?:/i.test(href)) element.target = "_blank";
  return element;
}
