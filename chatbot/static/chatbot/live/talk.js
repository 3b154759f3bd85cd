// The conversation at hand: what was said, what may be done, and the field to write in.

import { byId, element, mood, time } from "./draw.js";

const NAMES = { customer: "Customer", bot: "Bot", agent: "Agent", system: "" };
const LABELS = ["negative", "neutral", "positive"];
const SNOOZE = 60; // minutes
const TYPING_LASTS = 4_000;
const TYPING_EVERY = 2_000;
const NEAR_END = 120;

export class Talk {
  #row = null;
  #may = { act: false, correct: false };
  #me = null;
  #list = byId("messages");
  #text = byId("text");
  #written = new Map(); // conversation -> what was typed and not sent
  #timer = null;
  #typed = 0;
  #fresh = true; // Just opened: its end is what counts.
  #unsent = new Map(); // id -> frame, until it is acknowledged
  last = 0;
  send = () => false;

  constructor() {
    byId("composer").addEventListener("submit", (event) => this.#submit(event));
    this.#text.addEventListener("input", () => this.#typing());
    this.#text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.#submit(event);
    });
    byId("private").addEventListener("change", () => this.#update());
    for (const button of byId("actions").querySelectorAll("[data-act]"))
      button.addEventListener("click", () =>
        button.dataset.act === "snooze" ? this.snooze() : this.act(button.dataset.act),
      );
    byId("colleague").addEventListener("change", ({ target }) => {
      if (target.value) this.act("pass_on", { to: target.value });
      target.value = "";
    });
    byId("away").addEventListener("change", ({ target }) =>
      this.send("away", { value: Number(target.checked) }),
    );
    byId("suggest").addEventListener("click", () => this.#suggest());
    byId("draft-drop").addEventListener("click", () => (byId("draft").hidden = true));
    byId("draft-use").addEventListener("click", () => this.#useDraft());
  }

  get id() {
    return this.#row?.id ?? null;
  }

  hello({ me, people, away }) {
    this.#me = me;
    byId("away").checked = away;
    const names = people.map(({ to, name }) => element("option", { value: to, text: name }));
    byId("colleague").replaceChildren(byId("colleague").firstElementChild, ...names);
    for (const frame of this.#unsent.values()) this.send("message", frame);
  }

  act(what, values = {}) {
    if (this.id) this.send(what, { conversation: this.id, ...values });
  }

  snooze() {
    this.act("snooze", { minutes: SNOOZE });
  }

  write() {
    this.#text.focus();
  }

  open({ row, card, may }) {
    if (this.id && this.id !== row.id) this.#written.set(this.id, this.#text.value);
    if (this.id !== row.id) {
      this.#list.replaceChildren();
      this.#fresh = true;
      this.last = 0;
      this.#text.value = this.#written.get(row.id) ?? "";
      byId("draft").hidden = true;
      byId("writing").textContent = "";
    }
    this.#may = may;
    byId("talk").hidden = byId("card").hidden = false;
    byId("who").textContent = row.who;
    this.#card(card);
    this.update(row);
  }

  update(row) {
    this.#row = row;
    const standing = [mood(row.mood), element("span", { text: this.#standing(row) })];
    if (row.why) standing.push(element("span", { className: "why", text: row.why }));
    byId("standing").replaceChildren(...standing);
    this.#update();
  }

  get #mine() {
    return this.#row.state === "agent" && this.#row.agent_id === this.#me;
  }

  #standing({ state, agent }) {
    if (state === "agent") return this.#mine ? "With you" : `With ${agent || "an agent"}`;
    return { bot: "The bot answers", waiting: "Waits for a person", closed: "Closed" }[state];
  }

  #update() {
    const { state } = this.#row;
    const note = byId("private").checked;
    const shown = {
      take: ["bot", "waiting"].includes(state),
      hand_back: this.#mine,
      acknowledge: this.#row.alerted,
      snooze: this.#row.alerted,
      resolve: state !== "closed" && (state !== "agent" || this.#mine),
    };
    for (const button of byId("actions").querySelectorAll("[data-act]"))
      button.hidden = !this.#may.act || !shown[button.dataset.act];
    byId("colleague").parentElement.hidden = !this.#mine;
    byId("suggest").hidden = !this.#may.act || state === "closed";
    byId("composer").hidden = !this.#may.act;
    this.#text.disabled = byId("send").disabled = !this.#mine && !note;
    byId("send").textContent = note ? "Keep note" : "Send";
    const write = this.#mine ? "Write to the customer" : "Take the conversation over to write";
    this.#text.placeholder = note ? "Only colleagues see this" : write;
  }

  messages({ conversation, messages }) {
    if (conversation !== this.id) return;
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    const atEnd = this.#fresh || scrollHeight - scrollTop - clientHeight < NEAR_END;
    this.#fresh = false;
    for (const message of messages) {
      if (message.seq <= this.last) continue;
      this.last = message.seq;
      this.#list.append(this.#draw(message));
    }
    byId("writing").textContent = "";
    if (atEnd) this.#list.scrollTop = this.#list.scrollHeight;
  }

  corrected({ conversation, seq, label }) {
    if (conversation !== this.id) return;
    const item = this.#list.querySelector(`[data-seq="${seq}"] .heard`);
    if (item) item.textContent = `corrected to ${label}`;
  }

  note(note) {
    if (note.conversation === this.id) byId("notes").append(this.#note(note));
  }

  progress({ conversation, state, sentence }) {
    if (conversation !== this.id) return;
    const words = { thinking: "The bot looks it up …", sentence: `The bot writes: ${sentence}` };
    byId("writing").textContent = words[state] ?? "";
  }

  typing({ conversation }) {
    if (conversation !== this.id) return;
    byId("writing").textContent = "The customer is typing …";
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (byId("writing").textContent = ""), TYPING_LASTS);
  }

  draft({ conversation, text, sources }) {
    if (conversation !== this.id) return;
    byId("suggest").disabled = false;
    byId("draft").hidden = false;
    byId("draft-text").textContent = text;
    byId("draft-sources").textContent = sources.length ? `from ${sources.join(", ")}` : "";
  }

  acknowledged({ id }) {
    this.#unsent.delete(id);
  }

  /** What was refused goes back into the field: nothing that was typed is lost. */
  refused({ id }) {
    byId("suggest").disabled = false;
    const frame = this.#unsent.get(id);
    this.#unsent.delete(id);
    if (frame && frame.conversation === this.id && !this.#text.value) this.#text.value = frame.text;
  }

  #submit(event) {
    event.preventDefault();
    const text = this.#text.value.trim();
    if (!text || !this.id || this.#text.disabled) return;
    if (byId("private").checked) {
      if (!this.send("note", { conversation: this.id, text })) return;
      byId("private").checked = false;
      this.#update();
    } else {
      const frame = { conversation: this.id, id: crypto.randomUUID(), text };
      this.#unsent.set(frame.id, frame);
      this.send("message", frame); // Without a connection it goes with the next hello.
    }
    this.#text.value = "";
    byId("draft").hidden = true;
  }

  #typing() {
    if (byId("private").checked || Date.now() - this.#typed < TYPING_EVERY) return;
    this.#typed = Date.now();
    this.send("typing", { conversation: this.id });
  }

  #suggest() {
    byId("suggest").disabled = this.send("suggest", { conversation: this.id });
    byId("writing").textContent = "The bot looks it up, for you only …";
  }

  #useDraft() {
    this.#text.value = byId("draft-text").textContent;
    byId("draft").hidden = true;
    this.#text.focus();
  }

  #card({ customer, who, inbox, began, page, records, earlier, notes, csat, csat_comment: comment }) {
    const about = [customer && `Customer number ${customer}`, `wrote to ${inbox}`];
    if (earlier) about.push(`${earlier} earlier conversation${earlier > 1 ? "s" : ""}`);
    if (csat) about.push(`was satisfied ${csat} of 5${comment ? `: “${comment}”` : ""}`);
    about.push(`began ${new Date(began).toLocaleString()}`);
    byId("customer").replaceChildren(
      element("b", { text: who }),
      element("span", { text: about.filter(Boolean).join(" · ") }),
    );
    const items = records.map(({ title, kind, url }) =>
      element("li", {}, element("a", { href: url, text: title }), element("small", { text: kind })),
    );
    const none = element("li", { className: "quiet", text: "Nothing on record." });
    byId("records").replaceChildren(...(items.length ? items : [none]));
    byId("notes").replaceChildren(...notes.map((note) => this.#note(note)));
    byId("history").href = page;
  }

  #note({ by, text, at }) {
    return element("li", {}, element("b", { text: by }), time(at), element("p", { text }));
  }

  #draw(message) {
    const item = element(
      "li",
      { className: `entry from-${message.author}` },
      element(
        "p",
        { className: "byline" },
        element("b", { text: message.by || NAMES[message.author] }),
        time(message.at),
      ),
      element("div", { className: "text", text: message.text }),
    );
    item.dataset.seq = message.seq;
    if (message.label) item.append(this.#sentiment(message));
    if (message.sources.length)
      item.append(element("p", { className: "quiet", text: `From ${message.sources.join(", ")}` }));
    if (message.feedback)
      item.append(element("p", { className: "quiet", text: `The customer found this ${message.feedback > 0 ? "" : "not "}helpful.` }));
    if (message.trace) item.append(this.#trace(message.trace));
    return item;
  }

  #sentiment({ seq, label, score, confidence, corrected }) {
    const known = label !== "unknown";
    const sure = `${label}, ${Math.round(confidence * 100)} % sure`;
    const said = corrected ? `corrected to ${corrected}` : known ? sure : "a language not learned";
    const line = element(
      "p",
      { className: "sentiment" },
      mood(known ? score : null),
      element("span", { className: "heard", text: said }),
    );
    if (this.#may.correct && known) line.append(this.#correction(seq));
    return line;
  }

  #correction(seq) {
    const buttons = LABELS.map((label) => {
      const button = element("button", { type: "button", text: label });
      button.addEventListener("click", () => this.act("correct", { seq, label }));
      return button;
    });
    const summary = element("summary", { text: "Wrong?" });
    return element("details", { className: "correct" }, summary, "It is ", ...buttons);
  }

  #trace({ outcome, reason, chosen, withheld, first }) {
    const lines = [reason, chosen, first && `First sentence after ${first}.`].filter(Boolean);
    const items = withheld.map(({ sentence, missing }) =>
      element("li", {}, element("q", { text: sentence }), element("small", { text: missing })),
    );
    if (!lines.length && !items.length) return element("p", { className: "quiet", text: outcome });
    const count = withheld.length ? `, ${withheld.length} withheld` : "";
    return element(
      "details",
      { className: "trace" },
      element("summary", { text: `${outcome}${count}` }),
      ...lines.map((text) => element("p", { text })),
      ...(items.length ? [element("ul", { className: "withheld" }, ...items)] : []),
    );
  }
}
