// Everything around the messages that says how things stand.

const LINES = {
  bot: "Answers from your records · a person is always reachable",
  waiting: "Waiting for a colleague",
  agent: "You are talking to a person",
  closed: "This conversation is closed",
};
const NOTICE_LASTS = 8_000;

export class Status {
  #line = document.getElementById("state-line");
  #banner = document.getElementById("banner");
  #notice = document.getElementById("notice");
  #handoff = document.getElementById("handoff");
  #ended = document.getElementById("ended");
  #timer = null;
  #welcomed = false;
  #requested = false; // a person has been asked for and the server has not said so yet
  #state = "bot";
  #online = false;
  #unsure = false;
  #alone = false;

  /** agent: the name of who answers, in state `agent`. */
  conversation(state, agent) {
    this.#state = state;
    this.#requested = false;
    document.body.dataset.state = state;
    this.#alone &&= state === "waiting";
    if (state === "agent" && agent) this.#line.textContent = `You are talking to ${agent}`;
    else if (!this.#alone) this.#line.textContent = LINES[state];
    this.#ended.hidden = state !== "closed";
    this.#update();
  }

  /** The customer's place in the line for a person. */
  line(position) {
    if (this.#state !== "waiting") return;
    this.#alone = false;
    const place = position === 1 ? "you are next" : `you are number ${position} in line`;
    this.#line.textContent = `${LINES.waiting} · ${place}`;
  }

  /** Nobody is there at the moment. A place in the line says that somebody is again. */
  alone() {
    this.#alone = true;
    this.#line.textContent = `${LINES.waiting} · nobody is here at the moment`;
  }

  connection(state) {
    this.#online = state === "online" || state === "unsure";
    this.#unsure = state === "unsure";
    this.#welcomed ||= this.#online;
    document.body.dataset.connection = state;
    this.#update();
  }

  requested() {
    this.#requested = true;
    this.#update();
  }

  /** One polite sentence, gone after `seconds`. */
  notice(text, seconds = null) {
    clearTimeout(this.#timer);
    this.#notice.textContent = text;
    const lasts = Math.max(NOTICE_LASTS, (seconds ?? 0) * 1_000);
    if (text) this.#timer = setTimeout(() => this.notice(""), lasts);
  }

  #trouble() {
    if (this.#online) return this.#unsure ? "Checking the connection…" : "";
    return this.#welcomed ? "Reconnecting…" : "Connecting…";
  }

  #update() {
    this.#handoff.hidden = this.#state !== "bot";
    this.#handoff.disabled = !this.#online || this.#requested;
    // Emptied, not hidden: screen readers announce changes of what is already there.
    this.#banner.textContent = this.#state === "closed" ? "" : this.#trouble();
  }
}
