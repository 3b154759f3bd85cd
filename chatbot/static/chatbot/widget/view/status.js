// How things stand: the line under the title, the banner of the connection, the notice.

import { byId } from "../../common/dom.js";

const LINES = {
  bot: "Answers from our records · ask for a person at any time",
  waiting: "Waiting for a colleague",
  agent: "You are talking to a person",
  closed: "This conversation is closed",
};
const NOTICE_LASTS = 8_000;

export class Status {
  #line = byId("state-line");
  #banner = byId("banner");
  #notice = byId("notice");
  #handoff = byId("handoff");
  #ended = byId("ended");
  #timer = null;
  #welcomed = false;
  #requested = false; // the customer has asked for a person; the server has not confirmed it yet
  #state = "bot";
  #online = false;
  #unsure = false;
  #alone = false; // nobody on the team is there

  /** agent: the name of the agent who answers, in state `agent`. */
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

  /** The customer's place in the queue for a person. */
  queue(position) {
    if (this.#state !== "waiting") return;
    this.#alone = false;
    const before = `${position - 1} ${position === 2 ? "person" : "people"} before you`;
    const place = position === 1 ? "you are next" : before;
    this.#line.textContent = `Waiting in the queue: ${place}`;
  }

  /** Nobody is there at the moment. A place in the queue tells that somebody is there again. */
  alone() {
    this.#alone = true;
    this.#line.textContent = "Waiting: nobody is here at the moment";
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

  /** One polite sentence, which goes after `seconds`. */
  notice(text, seconds = null) {
    clearTimeout(this.#timer);
    this.#notice.textContent = text;
    const lasts = Math.max(NOTICE_LASTS, (seconds ?? 0) * 1_000);
    if (text) this.#timer = setTimeout(() => this.notice(""), lasts);
  }

  #update() {
    this.#handoff.hidden = this.#state !== "bot";
    this.#handoff.disabled = !this.#online || this.#requested;
    const lost = this.#welcomed ? "Reconnecting…" : "Connecting…";
    const unsure = this.#unsure ? "Checking the connection…" : "";
    // Emptied, not hidden: screen readers announce changes of elements that are already there.
    this.#banner.textContent = this.#state === "closed" ? "" : this.#online ? unsure : lost;
  }
}
