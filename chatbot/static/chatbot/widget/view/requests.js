// Something that the company's CRM can do for the customer: the customer fills in a form, reviews
// what will be sent, and confirms. The server then tells the outcome; details come as messages.

import { element } from "../../common/dom.js";
import { written } from "../../common/written.js";
import { control } from "./fields.js";
import { part, stamp } from "./template.js";

const ANSWER_WITHIN = 15_000;
const READ = 600; // milliseconds that it takes at least to read what will be sent
const OUTCOMES = {
  dismissed: "You chose not to do this now.",
  expired: "This form has expired. Ask again if you still want this.",
  sent: "Sent. The answer will appear here.",
  accepted: "Accepted.",
  refused: "This could not be done.",
  unanswered: "No answer yet. A colleague has been asked to look into it.",
};

export class Requests {
  #cards = new Map();
  #log;
  #send;

  /** send(frame): false without a connection. */
  constructor(log, send) {
    this.#log = log;
    this.#send = send;
  }

  show(frame) {
    const known = this.#cards.get(frame.id);
    const card = known ?? new Card(frame, this.#send);
    this.#cards.set(frame.id, card);
    card.update(frame);
    this.#log.place(card);
  }

  /** True when the error is about one of these cards. */
  refuse(id, text) {
    this.#cards.get(id)?.refused(text);
    return this.#cards.has(id);
  }

  clear() {
    this.#cards.clear();
  }
}

class Card {
  element = stamp("request-template");
  seq;
  #id;
  #send;
  #state = null;
  #controls = [];
  #timer = null;
  #reviewed = 0;

  constructor({ id, seq, name, text, fields }, send) {
    this.#id = id;
    this.#send = send;
    this.seq = seq + 0.5; // after the message, before the next one
    this.#part("name").textContent = name;
    this.#part("name").id = `request-${id}`;
    this.element.setAttribute("aria-labelledby", `request-${id}`);
    this.#part("text").textContent = text;
    this.#controls = fields.map((field) => control(field, id));
    this.#part("fields").append(...this.#controls.map(({ element }) => element));
    this.#part("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#review();
    });
    for (const button of this.element.querySelectorAll("[data-act]"))
      button.addEventListener("click", () => this.#act(button.dataset.act));
  }

  /** A form that the customer is filling in stays as it is. */
  update({ state }) {
    this.#wait(false);
    if (state === this.#state) return;
    this.#state = state;
    this.element.dataset.state = state;
    if (state === "proposed") return;
    const focused = this.element.contains(document.activeElement);
    this.#step("done");
    this.#part("error").textContent = "";
    this.#part("outcome").textContent = OUTCOMES[state] ?? "";
    if (focused) this.#part("name").focus(); // the button that had the focus is gone
  }

  refused(text) {
    this.#wait(false);
    if (this.#state !== "proposed") return;
    this.#step("form");
    this.#part("error").textContent = text;
    this.#controls[0]?.input.focus();
  }

  #act(what) {
    if (what === "confirm") this.#confirm();
    else if (what === "dismiss") this.#tell({ type: "dismiss", id: this.#id });
    else {
      this.#step("form");
      this.#controls[0]?.input.focus();
    }
  }

  #review() {
    this.#part("error").textContent = "";
    const filled = this.#controls.filter(({ input }) => written(input.value));
    const rows = filled
      .map((field) => field.read())
      .flatMap(({ label, shown }) => [
        element("dt", { textContent: label }),
        element("dd", { textContent: shown }),
      ]);
    this.#part("values").replaceChildren(...rows);
    this.#step("review");
    this.#reviewed = performance.now();
    this.#part("ask").focus();
  }

  #confirm() {
    if (performance.now() - this.#reviewed < READ) return; // the second half of a double click
    const values = this.#controls.map(({ input }) => [input.name, written(input.value)]);
    this.#tell({ type: "confirm", id: this.#id, values: Object.fromEntries(values) });
  }

  /** Sending again after a lost connection is safe: it stays one request. */
  #tell(frame) {
    if (!this.#send(frame)) return;
    this.#part("name").focus(); // a button that is disabled loses the focus
    this.#wait(true);
  }

  #wait(on) {
    clearTimeout(this.#timer);
    if (on) this.#timer = setTimeout(() => this.#wait(false), ANSWER_WITHIN);
    for (const button of this.element.querySelectorAll("button")) button.disabled = on;
  }

  #step(step) {
    this.#part("form").hidden = step !== "form";
    this.#part("ask").hidden = this.#part("decision").hidden = step !== "review";
    this.#part("values").hidden = step !== "review";
    this.#part("text").hidden = step === "done";
  }

  #part(name) {
    return part(this.element, name);
  }
}
