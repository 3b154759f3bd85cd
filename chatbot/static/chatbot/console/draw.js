// Small pieces of the page. Whatever customers wrote goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";
const BANDS = [["happy", 0.5], ["content", 0.15], ["neutral", -0.15], ["uneasy", -0.5]];

// Changes of the score per message that are no trend.
const STEADY = 0.1;

export const byId = (id) => document.getElementById(id);

export function element(name, { text, ...values } = {}, ...children) {
  const made = Object.assign(document.createElement(name), values);
  if (text !== undefined) {
    made.textContent = text;
    // Letters that turn the direction of reading round do so in here only.
    made.dir = "auto";
  }
  made.append(...children);
  return made;
}

export const word = (score) => BANDS.find(([, lowest]) => score >= lowest)?.[0] ?? "upset";

export const signed = (score) =>
  `${score < 0 ? "−" : "+"}${Math.abs(score).toFixed(2)}`;

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
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("class", "sparkline");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `Scores: ${scores.map(signed).join(", ")}`);
  const x = (i) => (scores.length > 1 ? 2 + (i / (scores.length - 1)) * (width - 6) : width - 4);
  const y = (score) => 3 + ((1 - score) / 2) * (height - 6);
  const line = document.createElementNS(SVG, "polyline");
  line.setAttribute("class", "line");
  line.setAttribute("points", scores.map((score, i) => `${x(i)},${y(score)}`).join(" "));
  const dot = document.createElementNS(SVG, "circle");
  dot.setAttribute("cx", x(scores.length - 1));
  dot.setAttribute("cy", y(scores.at(-1)));
  dot.setAttribute("r", 2.5);
  dot.setAttribute("class", `mood-${word(scores.at(-1))} dot`);
  svg.append(line, dot);
  return svg;
}

/** Which way the last scores go: an arrow and the word for it. */
export function trend({ scores, slope }) {
  const way = slope > STEADY ? "rising" : slope < -STEADY ? "falling" : "steady";
  if (scores.length < 2) return [];
  const text = `${{ rising: "↗", falling: "↘", steady: "→" }[way]} ${way}`;
  const title = `${signed(slope)} a message`;
  return [element("span", { className: `trend ${way}`, text, title })];
}

export function time(iso) {
  const at = new Date(iso);
  const text = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return element("time", { dateTime: iso, title: at.toLocaleString(), text });
}

/** "now", "3 min", "2 h", "4 d" */
export function passed(iso) {
  const minutes = Math.floor((Date.now() - new Date(iso)) / 60_000);
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}

export function waits(since) {
  const long = passed(since);
  return long === "now" ? "Waits for a person" : `Waits for a person for ${long}`;
}
