// Pieces that several parts of the console draw: moods, trends, sparklines, times.

import { element, svg } from "../common/dom.js";

const BANDS = [["happy", 0.5], ["content", 0.15], ["neutral", -0.15], ["uneasy", -0.5]];
const STEADY = 0.1; // a smaller change of the score per message is no trend

export const word = (score) => BANDS.find(([, lowest]) => score >= lowest)?.[0] ?? "upset";

export const signed = (score) => `${score < 0 ? "−" : "+"}${Math.abs(score).toFixed(2)}`;

/** A dot, the word and the number: never the colour alone. */
export function mood(score) {
  if (score === null) return element("span", { className: "mood", text: "mood not known yet" });
  const name = word(score);
  return element(
    "span",
    { className: `mood mood-${name}` },
    element("span", { className: "mood-dot" }),
    name,
    element("span", { className: "mood-number", text: signed(score) }),
  );
}

export function sparkline(scores, width = 72, height = 22) {
  const x = (i) => (scores.length > 1 ? 2 + (i / (scores.length - 1)) * (width - 6) : width - 4);
  const y = (score) => 3 + ((1 - score) / 2) * (height - 6);
  const [last, label] = [scores.at(-1), `Scores: ${scores.map(signed).join(", ")}`];
  const points = scores.map((score, i) => `${x(i)},${y(score)}`).join(" ");
  const dot = { cx: x(scores.length - 1), cy: y(last), r: 2.5, class: `mood-${word(last)} dot` };
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, class: "sparkline", role: "img", "aria-label": label },
    svg("polyline", { class: "line", points }),
    svg("circle", dot),
  );
}

/** The direction of the last scores: an arrow and the word for it. */
export function trend({ scores, slope }) {
  if (scores.length < 2) return [];
  const way = slope > STEADY ? "rising" : slope < -STEADY ? "falling" : "steady";
  const text = `${{ rising: "↗", falling: "↘", steady: "→" }[way]} ${way}`;
  const title = `${signed(slope)} a message`;
  return [element("span", { className: `trend ${way}`, text, title })];
}

export const clock = (date) =>
  date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

export function time(iso) {
  const at = new Date(iso);
  return element("time", { dateTime: iso, title: at.toLocaleString(), text: clock(at) });
}

/** "now", "3 min", "2 h", "4 d" */
export function passed(iso) {
  const minutes = Math.floor((Date.now() - new Date(iso)) / 60_000);
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}

export function waiting(since) {
  const long = passed(since);
  return long === "now" ? "Waiting for a person" : `Waiting for a person, ${long}`;
}
