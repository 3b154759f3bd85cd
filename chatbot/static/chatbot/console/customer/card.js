// The customer beside the conversation: who they are, how their mood went, what is on record, and
// what colleagues have noted.

import { chart } from "./chart.js";
import { byId, element, time } from "../draw.js";

export class Card {
  #scored = [];
  onChosen = () => {};

  constructor() {
    byId("about").addEventListener("click", () => this.toggle());
    byId("card-close").addEventListener("click", () => this.toggle(false));
  }

  /** On a screen too narrow to hold it always. */
  toggle(shown = byId("live").dataset.card === undefined) {
    if (shown) byId("live").dataset.card = "true";
    else delete byId("live").dataset.card;
    byId("about").setAttribute("aria-expanded", String(shown));
    (shown ? byId("card-title") : byId("about")).focus();
  }

  show({ customer, who, inbox, began, page, email, orders, records, earlier, notes, csat, csat_comment: comment }) {
    const about = [customer && `Customer number ${customer}`, `wrote to ${inbox}`];
    if (earlier) about.push(`${earlier} earlier conversation${earlier > 1 ? "s" : ""}`);
    if (csat) about.push(`was satisfied ${csat} of 5${comment ? `: “${comment}”` : ""}`);
    about.push(`began ${new Date(began).toLocaleString()}`);
    byId("customer").replaceChildren(
      element("b", { text: who }),
      element("span", { text: about.filter(Boolean).join(" · ") }),
    );
    this.contact(email);
    this.#list("orders", orders, "No order on record.");
    this.#list("records", records, "Nothing else on record.");
    byId("notes").replaceChildren();
    for (const note of notes) this.note(note);
    byId("history").href = page;
    this.#scored = [];
    this.#draw();
  }

  /** Where the customer, gone by now, can be written to. */
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

  /** Messages that have come; those in a language not learned have no mood. */
  heard(messages) {
    const scored = messages.filter(({ score, label }) => score !== null && label !== "unknown");
    if (!scored.length) return;
    this.#scored.push(...scored);
    this.#draw();
  }

  #draw() {
    const none = element("p", { className: "quiet", text: "Nothing said yet that has a mood." });
    byId("chart").replaceChildren(this.#scored.length ? chart(this.#scored, (seq) => this.onChosen(seq)) : none);
  }
}
