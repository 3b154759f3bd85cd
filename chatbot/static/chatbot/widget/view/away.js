// Nobody is there for a customer who wants a person: when somebody is, and where to write to.

import { written } from "../../common/written.js";

export class Away {
  #section = document.getElementById("away");
  #when = document.getElementById("away-when");
  #known = document.getElementById("away-known");
  #form = document.getElementById("away-form");
  #field = document.getElementById("away-email");
  #error = document.getElementById("away-error");
  #frame = null;
  #dropped = false;

  // Set by the owner: whether it could be sent. An empty address is the one on record.
  onContact = (_email) => false;

  constructor() {
    this.#form.addEventListener("submit", (event) => this.#submit(event));
    this.#on("away-yes", () => this.onContact(""));
    this.#on("away-change", () => this.#edit());
    this.#on("away-drop", () => this.#drop());
  }

  show(frame) {
    const answered = frame.left && !this.#frame?.left;
    this.#frame = frame;
    this.#dropped &&= !answered;
    this.#when.textContent = elsewhere(frame.opens);
    document.getElementById("away-contact").textContent = frame.contact;
    document.getElementById("away-yes").hidden = frame.left;
    document.getElementById("away-change").textContent = frame.left ? "Change it" : "Use another";
    document.getElementById("away-question").textContent = frame.left
      ? "Our colleagues can write to you at"
      : "May our colleagues write to you at";
    this.#choose(!frame.contact);
    this.#section.hidden = this.#dropped;
  }

  /** Somebody is there, or nobody is waited for. */
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
    document.getElementById("field").focus();
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

  #on(id, act) {
    document.getElementById(id).addEventListener("click", act);
  }
}

/** The hour as the customer's own clock shows it, where that is another than the team's. */
function elsewhere(opens) {
  if (!opens) return "";
  const [at, theirs] = [new Date(opens), opens.slice(11, 16)];
  const own = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  const day = at.toLocaleDateString("en-GB", { weekday: "long" });
  return own === theirs ? "" : `They are back ${day} at ${own} by your clock.`;
}
