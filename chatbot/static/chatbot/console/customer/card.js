// The customer beside the conversation: name, mood, orders and other records, colleagues' notes.

import { byId, element } from "../../common/dom.js";
import { time } from "../draw.js";
import { drawChart } from "./chart.js";

export class Card {
  #scored = []; // messages with a score; the one that counts is `score`

  // Set by the owner.
  onChosen = (_seq) => {};

  constructor() {
    byId("about").addEventListener("click", () => this.toggle());
    byId("card-close").addEventListener("click", () => this.toggle(false));
  }

  /** On a narrow screen the card covers the conversation. */
  toggle(shown = byId("live").dataset.card === undefined) {
    if (shown) byId("live").dataset.card = "true";
    else delete byId("live").dataset.card;
    byId("about").setAttribute("aria-expanded", String(shown));
    (shown ? byId("card-title") : byId("about")).focus();
  }

  show({ customer, who, inbox, began, page, email, orders, records, earlier, notes, csat, csat_comment: comment }) {
    const about = [customer && `Customer id ${customer}`, `wrote to ${inbox}`];
    if (earlier) about.push(`${earlier} earlier conversation${earlier > 1 ? "s" : ""}`);
    if (csat) about.push(`rated ${csat} of 5${comment ? `: “${comment}”` : ""}`);
    about.push(`started ${new Date(began).toLocaleString()}`);
    byId("customer").replaceChildren(
      element("b", { text: who }),
      element("span", { text: about.filter(Boolean).join(" · ") }),
    );
    this.contact(email);
    this.#list("orders", orders, "No orders on record.");
    this.#list("records", records, "No other records.");
    byId("notes").replaceChildren();
    for (const note of notes) this.note(note);
    byId("history").href = page;
  }

  /** Another conversation is opened. */
  clear() {
    this.#scored = [];
    this.#draw();
  }

  /** The e-mail address that the customer has left. */
  contact(email) {
    byId("contact").hidden = !email;
    byId("contact-email").textContent = email;
    byId("contact-email").href = `mailto:${encodeURIComponent(email)}`;
  }

  #list(id, records, none) {
    const items = records.map(({ title, url, about }) =>
      element("li", {}, element("a", { href: url, text: title }), element("small", { text: about })),
    );
    byId(id).replaceChildren(...(items.length ? items : [element("li", { className: "quiet", text: none })]));
  }

  note({ by, text, at }) {
    byId("notes").append(element("li", {}, element("b", { text: by }), time(at), element("p", { text })));
  }

  /** New messages; one in a language that the classifier does not know has no mood. */
  heard(messages) {
    const known = messages.filter(({ felt, label }) => felt !== null && label !== "unknown");
    const scored = known.map(({ seq, at, felt }) => ({ seq, at, score: felt }));
    if (!scored.length) return;
    this.#scored.push(...scored);
    this.#draw();
  }

  corrected({ seq, felt }) {
    const message = this.#scored.find((one) => one.seq === seq);
    if (message) message.score = felt;
    this.#draw();
  }

  #draw() {
    const none = element("p", { className: "quiet", text: "No message has a mood yet." });
    byId("chart").replaceChildren(this.#scored.length ? drawChart(this.#scored, (seq) => this.onChosen(seq)) : none);
  }
}
