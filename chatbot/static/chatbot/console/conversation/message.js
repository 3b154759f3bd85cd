// One message of the transcript as an element, with its sentiment, sources and trace.

import { shown } from "../../attachments/shown.js";
import { element } from "../../common/dom.js";
import { rich } from "../../common/rich.js";
import { mood, time } from "../draw.js";
import { drawTeaching } from "./teach.js";

const NAMES = { customer: "Customer", bot: "Bot", agent: "Agent", system: "" };
const LABELS = ["negative", "neutral", "positive"];

/** correct(seq, label), or null where the agent may not correct the sentiment; teaching: what
 * `drawTeaching` needs, or null where the agent may not judge answers. */
export function drawMessage(message, correct, teaching) {
  const { author, by, at, text, attachments, seq, label, sources, feedback, trace } = message;
  const name = element("b", { text: by || NAMES[author] });
  const byline = element("p", { className: "byline" }, name, time(at));
  const item = element("li", { className: `entry from-${author}` }, byline);
  item.dataset.seq = seq;
  if (text) {
    const body = item.appendChild(element("div", { className: "text", dir: "auto" }));
    body.append(rich(text));
  }
  if (attachments.length)
    item.append(element("div", { className: "files" }, ...attachments.map((file) => shown(file))));
  if (label) item.append(drawSentiment(message, correct));
  if (sources.length) item.append(drawSources(sources));
  if (feedback) {
    const found = feedback > 0 ? "helpful" : "not helpful";
    item.append(element("p", { className: "quiet", text: `The customer found this ${found}.` }));
  }
  if (author === "bot" && trace && teaching) item.append(drawTeaching(message, teaching));
  if (trace) item.append(drawTrace(trace));
  return item;
}

export function markCorrected(item, label) {
  const line = item.querySelector(".sentiment");
  if (!line) return;
  line.querySelector(".heard").textContent = `corrected to ${label}`;
  for (const button of line.querySelectorAll("button"))
    button.setAttribute("aria-pressed", String(button.textContent === label));
}

function drawSentiment({ seq, label, score, confidence, corrected }, correct) {
  const known = label !== "unknown";
  const sure = `${Math.round(confidence * 100)}% sure`;
  const about = known ? sure : "in a language that the classifier does not know";
  const line = element("p", { className: "sentiment" }, mood(known ? score : null));
  if (known && correct) line.append(labels(corrected || label, (choice) => correct(seq, choice)));
  else if (known) line.append(element("span", { text: label }));
  const heard = corrected ? `corrected to ${corrected}` : about;
  line.append(element("span", { className: "heard", text: heard }));
  return line;
}

/** The classifier's label is pressed; a click on another corrects it. */
function labels(pressed, onChoice) {
  const buttons = LABELS.map((label) => {
    const button = element("button", { type: "button", text: label, title: `Correct to ${label}` });
    button.setAttribute("aria-pressed", String(label === pressed));
    button.addEventListener("click", () => onChoice(label));
    return button;
  });
  const group = element("span", { className: "labels" }, ...buttons);
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", "Sentiment; choose another to correct it");
  return group;
}

function drawSources(sources) {
  const links = sources.map(({ title, url }) =>
    url ? element("a", { href: url, text: title }) : element("span", { text: title }),
  );
  return element("p", { className: "sources quiet" }, "From ", ...links);
}

function drawTrace({ outcome, facts, withheld, page }) {
  const count = withheld.length ? `, ${withheld.length} withheld` : "";
  const lines = facts.flatMap(([name, value]) => [
    element("dt", { text: name }),
    element("dd", { text: value }),
  ]);
  const trace = element(
    "details",
    { className: "trace" },
    element("summary", { text: `${outcome}${count}` }),
    element("dl", {}, ...lines),
  );
  if (withheld.length) {
    const items = withheld.map(({ sentence, why }) =>
      element("li", {}, element("q", { text: sentence }), element("small", { text: why })),
    );
    const heading = element("b", { text: "Withheld from the customer" });
    trace.append(heading, element("ul", { className: "withheld" }, ...items));
  }
  trace.append(element("a", { href: page, text: "See what the model was given" }));
  return trace;
}
