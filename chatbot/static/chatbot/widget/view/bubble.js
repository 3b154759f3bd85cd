// One message as an element. Text goes in as text; `rich` makes links of it, never HTML.

import { element } from "../../common/dom.js";
import { rich } from "../../common/rich.js";
import { part, stamp } from "./template.js";

const NAMES = { customer: "You", bot: document.body.dataset.botName, agent: "Colleague", system: "Notice" };
const STATUS = { sending: "Sending…", sent: "Sent", failed: "Not sent" };

const LONG = new Intl.DateTimeFormat("en-GB", { dateStyle: "long" });

let made = 0; // numbers the expandable parts, for their ids

export class Bubble {
  element = stamp("message-template");
  seq;

  constructor({ id, seq, author, text, at, citations, choices, attachments, feedback, by }, actions) {
    this.seq = seq;
    this.element.dataset.author = author;
    this.#part("who").textContent = by || (NAMES[author] ?? author);
    this.#part("text").append(rich(text));
    this.#part("text").hidden = !text;
    this.#part("files").append(...(attachments ?? []).map((file) => actions.file(file)));
    this.#part("files").hidden = !attachments?.length;
    this.#time(at);
    this.#part("sources").append(...(citations ?? []).map(source));
    this.#part("sources").hidden = !citations?.length;
    this.#part("choices").append(...(choices ?? []).map((text) => choice(text, actions)));
    this.#part("resend").addEventListener("click", () => actions.resend(id));
    if (author === "bot") this.#feedback(actions, feedback);
    if (author === "customer") this.status("sent");
  }

  status(status, text = "") {
    this.element.dataset.status = status;
    this.#part("status").textContent = text || STATUS[status];
    this.#part("resend").hidden = status !== "failed";
  }

  /** Only the newest message asks for an answer. */
  newest(is) {
    const group = this.#part("choices");
    // A button that has the focus stays until it is left, or the focus would be lost.
    if (!is && group.contains(document.activeElement)) group.addEventListener("focusout", () => this.newest(false), { once: true });
    else group.hidden = !is || !group.childElementCount;
  }

  /** The server has the message; `at` is the server's time where it is known. */
  sent(at) {
    if (this.element.dataset.status !== "sent") this.status("sent");
    if (at) this.#time(at);
  }

  #feedback(actions, given) {
    const group = this.#part("feedback");
    group.hidden = false;
    const buttons = [...group.querySelectorAll("button")];
    const press = (value) => {
      for (const each of buttons) each.setAttribute("aria-pressed", String(Number(each.value) === value));
    };
    press(given ?? 0);
    for (const button of buttons) {
      const value = Number(button.value);
      button.addEventListener("click", () => actions.feedback(this.seq, value) && press(value));
    }
  }

  #time(at) {
    const time = this.#part("time");
    time.dateTime = at;
    time.textContent = clock(new Date(at));
  }

  #part(name) {
    return part(this.element, name);
  }
}

/** A button that sends its text as the customer's message. */
function choice(text, actions) {
  return element("button", { type: "button", className: "choice", text, onclick: () => actions.choose(text) });
}

/** A chip that opens the line of the record that the answer rests on. */
function source({ id, title, quote, at, address }) {
  const chip = stamp("source-template");
  const button = chip.querySelector("button");
  const detail = part(chip, "detail");
  detail.id = `source-${++made}`;
  button.setAttribute("aria-controls", detail.id);
  part(chip, "name").textContent = part(chip, "title").textContent = title || id;
  part(chip, "id").textContent = id;
  part(chip, "quote").append(...lines(quote));
  part(chip, "quote").hidden = !quote;
  part(chip, "changed-name").hidden = part(chip, "changed-day").hidden = !at;
  if (at) {
    part(chip, "changed").dateTime = at;
    part(chip, "changed").textContent = LONG.format(new Date(`${at}T12:00`));
  }
  if (/^https?:/.test(address ?? "")) {
    part(chip, "page").href = address;
    part(chip, "page").hidden = false;
  }
  button.addEventListener("click", () => {
    detail.hidden = !detail.hidden;
    button.setAttribute("aria-expanded", String(!detail.hidden));
  });
  return chip;
}

function lines(quote) {
  return (quote ?? "").split("\n").map((text) => element("p", {}, element("mark", { text })));
}

/** 14:03 today; 12 Nov, 14:03 on other days. */
function clock(date) {
  const today = date.toDateString() === new Date().toDateString();
  const day = today ? {} : { day: "numeric", month: "short" };
  const format = new Intl.DateTimeFormat("en-GB", { ...day, hour: "2-digit", minute: "2-digit" });
  return format.format(date);
}
