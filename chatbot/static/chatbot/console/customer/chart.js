// The customer's mood over the conversation: every score, and the message that each belongs to.

import { signed, word } from "../draw.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, RIGHT, EDGE] = [240, 96, 24, 8, 8];

function drawn(name, values, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** scored: [{ seq, score, at }], oldest first, at least one; onChosen: called with a message's seq. */
export function chart(scored, onChosen) {
  const x = (place) => LEFT + (scored.length > 1 ? place / (scored.length - 1) : 1) * (WIDTH - LEFT - RIGHT);
  const y = (score) => EDGE + ((1 - score) / 2) * (HEIGHT - 2 * EDGE);
  const told = scored.map(({ seq, score }) => `message ${seq} ${word(score)} ${signed(score)}`);
  const svg = drawn("svg", { class: "mood-chart", role: "img", viewBox: `0 0 ${WIDTH} ${HEIGHT}` });
  svg.setAttribute("aria-label", `Mood over the conversation: ${told.join(", ")}`);
  for (const [score, name] of [[1, "+1"], [0, "0"], [-1, "−1"]]) {
    svg.append(
      drawn("line", { class: score ? "edge" : "zero", x1: LEFT, x2: WIDTH - RIGHT, y1: y(score), y2: y(score) }),
      drawn("text", { class: "axis", x: LEFT - 6, y: y(score), dy: 4, "text-anchor": "end" }, name),
    );
  }
  const points = scored.map(({ score }, place) => `${x(place)},${y(score)}`).join(" ");
  svg.append(drawn("polyline", { class: "line", points }));
  scored.forEach(({ seq, score, at }, place) => {
    const dot = drawn("circle", { class: `mood-${word(score)}`, cx: x(place), cy: y(score), r: 4 });
    const when = new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    dot.append(drawn("title", {}, `Message ${seq}, ${when}: ${word(score)} ${signed(score)}`));
    dot.addEventListener("click", () => onChosen(seq));
    svg.append(dot);
  });
  return svg;
}
