// The customer's mood over the conversation: a dot for each message that has a score.

import { svg } from "../../common/dom.js";
import { clock, signed, word } from "../draw.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, EDGE] = [240, 96, 24, 8, 8];

/** scored: [{seq, score, at}], oldest first, at least one; onChosen(seq): a dot was clicked. */
export function drawChart(scored, onChosen) {
  const x = (place) => LEFT + (scored.length > 1 ? place / (scored.length - 1) : 1) * (WIDTH - LEFT - RIGHT);
  const y = (score) => EDGE + ((1 - score) / 2) * (HEIGHT - 2 * EDGE);
  const told = scored.map(({ seq, score }) => `message ${seq} ${word(score)} ${signed(score)}`);
  const label = `Mood over the conversation: ${told.join(", ")}`;
  const viewBox = `0 0 ${WIDTH} ${HEIGHT}`;
  const chart = svg("svg", { class: "mood-chart", role: "img", viewBox, "aria-label": label });
  for (const [score, name] of [[1, "+1"], [0, "0"], [-1, "−1"]]) {
    const across = { x1: LEFT, x2: WIDTH - RIGHT, y1: y(score), y2: y(score) };
    chart.append(
      svg("line", { class: score ? "edge" : "zero", ...across }),
      svg("text", { class: "axis", x: LEFT - 6, y: y(score), dy: 4, "text-anchor": "end" }, name),
    );
  }
  const points = scored.map(({ score }, place) => `${x(place)},${y(score)}`).join(" ");
  chart.append(svg("polyline", { class: "line", points }));
  scored.forEach(({ seq, score, at }, place) => {
    const dot = svg("circle", { class: `mood-${word(score)}`, cx: x(place), cy: y(score), r: 4 });
    const when = clock(new Date(at));
    dot.append(svg("title", {}, `Message ${seq}, ${when}: ${word(score)} ${signed(score)}`));
    dot.addEventListener("click", () => onChosen(seq));
    chart.append(dot);
  });
  return chart;
}
