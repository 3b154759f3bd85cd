// For a customer who asked for a person while no colleague is there: says when somebody will be,
// and asks for an e-mail address.

import { byId } from "../../common/dom.js";
import { written } from "../../common/written.js";

export class Away {
  #section = byId("away");
  #when = byId("away-when");
  #known = byId("away-known");
  #form = byId("away-form");
  #field = byId("away-email");
  #error = byId("away-error");
  #frame = null;
  #dropped = false; // the customer has closed the section

  // Set by the owner; false without a connection. An empty address means the one on record.
  onContact = (_email) => false;

  constructor() {
    this.#form.addEventListener("submit", (event) => this.#submit(event));
    byId("away-yes").addEventListener("click", () => this.onContact(""));
    byId("away-change").addEventListener("click", () => this.#edit());
    byId("away-drop").addEventListener("click", () => this.#drop());
  }

  show(frame) {
    const answered = frame.left && !this.#frame?.left;
    this.#frame = frame;
    this.#dropped &&= !answered;
    this.#when.textContent = inOwnTime(frame.opens);
    byId("away-contact").textContent = frame.contact;
    byId("away-yes").hidden = frame.left;
    byId("away-change").textContent = frame.left ? "Change it" : "Use another address";
    byId("away-question").textContent = frame.left
      ? "Our colleagues can write to you at"
      : "May our colleagues write to you at";
    this.#choose(!frame.contact);
    this.#section.hidden = this.#dropped;
  }

  /** A colleague is there, or the customer no longer waits for one. */
  hide() {
    this.#frame = null;
    this.#dropped = false;
    this.#section.hidden = true;
    this.#form.reset();
    this.#tell("");
  }

  refused(text) {
    this.#choose(true);
    this.#tell(text);
    this.#field.focus();
  }

  #edit() {
    this.#choose(true);
    this.#field.focus();
  }

  #drop() {
    this.#dropped = true;
    this.#section.hidden = true;
    byId("field").focus();
  }

  #submit(event) {
    event.preventDefault();
    if (this.onContact(written(this.#field.value))) this.#tell("");
  }

  #choose(writing) {
    this.#form.hidden = !writing;
    this.#known.hidden = writing;
  }

  #tell(text) {
    this.#error.textContent = text;
    this.#field.setAttribute("aria-invalid", String(Boolean(text)));
  }
}

/** The opening time by the customer's clock, where it differs from the team's. */
function inOwnTime(opens) {
  if (!opens) return "";
  const [at, theirs] = [new Date(opens), opens.slice(11, 16)];
  const own = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  const day = at.toLocaleDateString("en-GB", { weekday: "long" });
  return own === theirs ? "" : `In your time zone, they will be back on ${day} at ${own}.`;
}
