// One conversation in the list, as a button.

import { element } from "../../common/dom.js";
import { mood, passed, sparkline, trend, waiting } from "../draw.js";

const STATES = { bot: "Bot", waiting: "", closed: "Closed" }; // `since` tells that somebody waits
const AUTHORS = { customer: "", bot: "Bot", agent: "Agent", system: "" };

export function drawRow(row, chosen, onOpen) {
  const state = row.state === "agent" ? `With ${row.agent || "an agent"}` : STATES[row.state];
  const standing = [state, row.contact && "left an e-mail address"].filter(Boolean).join(" · ");
  const line = row.scores.length < 2 ? [] : [sparkline(row.scores), ...trend(row)];
  const button = element(
    "button",
    { type: "button", className: row.alerted ? "row alerted" : "row" },
    element("span", { className: "name", text: row.who }),
    element("span", { className: `since since-${row.state}`, text: since(row) }),
    element("span", { className: "said" }, ...said(row.last)),
    element("span", { className: "feeling" }, mood(row.mood), ...line),
    element("span", { className: `state state-${row.state}`, text: standing }),
  );
  if (row.why) button.append(element("span", { className: "why", text: row.why }));
  button.setAttribute("aria-current", String(chosen));
  button.addEventListener("click", onOpen);
  return element("li", {}, button);
}

export function since({ state, since }) {
  if (state === "waiting") return waiting(since);
  const long = passed(since);
  return long === "now" ? long : `${long} ago`;
}

/** The author's name is an element of its own: a customer may write "Agent: yes" too. */
function said(last) {
  if (!last) return [];
  const text = element("span", { text: last.text });
  return AUTHORS[last.author] ? [element("b", { text: AUTHORS[last.author] }), " ", text] : [text];
}
