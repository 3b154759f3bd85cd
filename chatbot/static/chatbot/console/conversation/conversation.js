// The conversation at hand: what was said, what may be done, and the field to write in.

import { shown } from "../../attachments/shown.js";
import { newId } from "../../common/id.js";
import { sends } from "../../common/keys.js";
import { written } from "../../common/written.js";
import { Card } from "../customer/card.js";
import { byId, element, mood, time, trend, waits } from "../draw.js";
import { Files } from "./files.js";

const NAMES = { customer: "Customer", bot: "Bot", agent: "Agent", system: "" };
const LABELS = ["negative", "neutral", "positive"];
const SNOOZE = 60; // minutes
const DOUBTED_AFTER = 4_000; // without an acknowledgement the connection itself is in doubt
const TYPING_LASTS = 4_000;
const TYPING_EVERY = 2_000;
const NEAR_END = 120;
const CLOCK = 30_000;

export class Talk {
  #row = null;
  #may = { act: false, correct: false };
  #me = null;
  #list = byId("messages");
  #text = byId("text");
  #written = new Map(); // conversation -> what was typed and not sent
  #timer = null;
  #typed = -Infinity;
  #fresh = true; // Just opened: its end is what counts.
  #seen = 0; // The last one that the customer has read.
  #noting = null; // A note on its way
  #unsent = new Map(); // id -> {frame, files}, until it is acknowledged
  #files = new Files();
  #card = new Card();
  last = 0;
  send = () => false;
  probe = () => {};
  onTrouble = (_text) => {};

  constructor() {
    byId("composer").addEventListener("submit", (event) => this.#submit(event));
    this.#text.addEventListener("input", () => this.#typing());
    this.#text.addEventListener("keydown", (event) => {
      if (sends(event)) this.#submit(event);
    });
    this.#files.onTrouble = (text) => this.onTrouble(text);
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
    this.#card.onChosen = (seq) => this.#list.querySelector(`[data-seq="${seq}"]`)?.scrollIntoView({ block: "center" });
    setInterval(() => this.#row && this.update(this.#row), CLOCK);
  }

  get id() {
    return this.#row?.id ?? null;
  }

  hello({ me, people, away }) {
    this.#me = me;
    byId("away").checked = away;
    const names = people.map(({ to, name }) => element("option", { value: to, text: name }));
    byId("colleague").replaceChildren(byId("colleague").firstElementChild, ...names);
    this.#noting = null; // Where the connection before has lost it, it goes once more.
    for (const { frame } of this.#unsent.values()) this.send("message", frame);
    this.#files.retry();
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

  /** For colleagues only. */
  jot() {
    if (!this.id || !this.#may.act) return;
    byId("private").checked = true;
    this.#update();
    this.#text.focus();
  }

  pass() {
    byId("colleague").focus();
  }

  open({ row, card, may, read }) {
    if (this.id && this.id !== row.id) this.#written.set(this.id, this.#text.value);
    if (this.id !== row.id) {
      this.#list.replaceChildren();
      this.#fresh = true;
      this.last = 0;
      this.#text.value = this.#written.get(row.id) ?? "";
      this.#files.open(row.id, card.uploads);
      byId("draft").hidden = true;
      byId("writing").textContent = "";
    }
    [this.#may, this.#seen] = [may, read];
    byId("talk").hidden = byId("card").hidden = false;
    byId("who").textContent = row.who;
    this.#card.show(card);
    this.update(row);
    card.notes.slice(-1).forEach((note) => this.#noted(note));
  }

  update(row) {
    this.#row = row;
    const standing = [mood(row.mood), ...trend(row), element("span", { text: this.#standing(row) })];
    if (row.why) standing.push(element("span", { className: "why", text: row.why }));
    byId("standing").replaceChildren(...standing);
    this.#update();
  }

  get #mine() {
    return this.#row.state === "agent" && this.#row.agent_id === this.#me;
  }

  #standing({ state, agent, since, contact }) {
    if (state === "agent") return this.#mine ? "With you" : `With ${agent || "an agent"}`;
    const found = { bot: "The bot answers", waiting: waits(since), closed: "Closed" }[state];
    return contact ? `${found} · left an e-mail` : found;
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
    byId("attach").disabled = !this.#mine || note;
    byId("send").textContent = note ? "Keep note" : "Send";
    const write = this.#mine ? "Write to the customer" : "Take the conversation over to write";
    this.#text.placeholder = note ? "Only colleagues see this" : write;
  }

  messages({ conversation, messages }) {
    if (conversation !== this.id) return;
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    const atEnd = this.#fresh || scrollHeight - scrollTop - clientHeight < NEAR_END;
    this.#fresh = false;
    const news = messages.filter(({ seq }) => seq > this.last);
    // The server sends the newest: what was said before them is on the conversation's page.
    if (this.last === 0 && news[0]?.seq > 1) this.#list.append(this.#before(news[0].seq - 1));
    this.last = news.at(-1)?.seq ?? this.last;
    this.#list.append(...news.map((message) => this.#draw(message)));
    this.#card.heard(news);
    byId("writing").textContent = "";
    this.#markSeen();
    if (atEnd) this.#list.scrollTop = this.#list.scrollHeight;
  }

  corrected({ conversation, seq, label }) {
    if (conversation !== this.id) return;
    const line = this.#list.querySelector(`[data-seq="${seq}"] .sentiment`);
    if (!line) return;
    line.querySelector(".heard").textContent = `corrected to ${label}`;
    for (const button of line.querySelectorAll("button"))
      button.setAttribute("aria-pressed", String(button.textContent === label));
  }

  note(note) {
    if (note.conversation !== this.id) return;
    this.#card.note(note);
    this.#noted(note);
  }

  /** The note that stands in the field has been kept. */
  #noted({ text }) {
    if (!byId("private").checked || text !== written(this.#text.value)) return;
    byId("private").checked = false;
    this.#text.value = "";
    this.#noting = null;
    this.#update();
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

  read({ conversation, seq }) {
    if (conversation !== this.id) return;
    this.#seen = Math.max(this.#seen, seq);
    this.#markSeen();
  }

  /** Under the last of the agents' messages that the customer has read. */
  #markSeen() {
    this.#list.querySelector(".seen")?.remove();
    const read = [...this.#list.querySelectorAll(".from-agent")].filter((item) => item.dataset.seq <= this.#seen);
    read.at(-1)?.append(element("p", { className: "quiet seen", text: "Seen by the customer" }));
  }

  contact({ conversation, email }) {
    if (conversation === this.id) this.#card.contact(email);
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
    this.#noting = null;
    const { frame, files } = this.#unsent.get(id) ?? {};
    this.#unsent.delete(id);
    if (frame?.conversation !== this.id) return;
    this.#text.value ||= frame.text;
    if (this.#files.empty) this.#files.restore(files);
  }

  #submit(event) {
    event.preventDefault();
    const text = written(this.#text.value);
    const note = byId("private").checked;
    if ((!text && (note || this.#files.empty)) || !this.id || this.#text.disabled) return;
    if (note) {
      // It stays in the field until it is there as a note: nothing else says that it has arrived.
      if (text !== this.#noting && this.send("note", { conversation: this.id, text })) this.#noting = text;
      return this.probe();
    } else if (this.#files.busy) {
      return this.onTrouble("A file is still on its way.");
    } else this.#say(text);
    this.#text.value = "";
    byId("draft").hidden = true;
  }

  #say(text) {
    const files = this.#files.take();
    const attachments = files.map((file) => file.id);
    const frame = { conversation: this.id, id: newId(), text, attachments };
    this.#unsent.set(frame.id, { frame, files });
    setTimeout(() => this.#unsent.has(frame.id) && this.probe(), DOUBTED_AFTER);
    this.send("message", frame); // Without a connection it goes with the next hello.
  }

  #typing() {
    if (byId("private").checked || performance.now() - this.#typed < TYPING_EVERY) return;
    this.#typed = performance.now();
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

  #before(count) {
    const text = `${count} earlier message${count > 1 ? "s" : ""}`;
    const href = `${byId("history").href}?all=1`;
    return element("li", { className: "entry from-system" }, element("a", { href, text }));
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
    );
    if (message.text) item.append(element("div", { className: "text", text: message.text }));
    if (message.attachments.length)
      item.append(element("div", { className: "files" }, ...message.attachments.map((file) => shown(file))));
    item.dataset.seq = message.seq;
    if (message.label) item.append(this.#sentiment(message));
    if (message.sources.length) item.append(this.#sources(message.sources));
    if (message.feedback)
      item.append(element("p", { className: "quiet", text: `The customer found this ${message.feedback > 0 ? "" : "not "}helpful.` }));
    if (message.trace) item.append(this.#trace(message.trace));
    return item;
  }

  #sources(sources) {
    const links = sources.map(({ title, url }) =>
      url ? element("a", { href: url, text: title }) : element("span", { text: title }),
    );
    return element("p", { className: "sources quiet" }, "From ", ...links);
  }

  #sentiment({ seq, label, score, confidence, corrected }) {
    const known = label !== "unknown";
    const sure = `${Math.round(confidence * 100)} % sure`;
    const said = corrected ? `corrected to ${corrected}` : known ? sure : "a language not learned";
    const line = element("p", { className: "sentiment" }, mood(known ? score : null));
    if (known)
      line.append(this.#may.correct ? this.#labels(seq, corrected || label) : element("span", { text: label }));
    line.append(element("span", { className: "heard", text: said }));
    return line;
  }

  /** What was heard, pressed; one click on another corrects it. */
  #labels(seq, heard) {
    const buttons = LABELS.map((label) => {
      const button = element("button", { type: "button", text: label, title: `It is ${label}` });
      button.setAttribute("aria-pressed", String(label === heard));
      button.addEventListener("click", () => this.act("correct", { seq, label }));
      return button;
    });
    const group = element("span", { className: "labels" }, ...buttons);
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Heard as; press another to correct it");
    return group;
  }

  #trace({ outcome, facts, withheld, page }) {
    const lines = facts.flatMap(([name, value]) => [element("dt", { text: name }), element("dd", { text: value })]);
    const items = withheld.map(({ sentence, why }) =>
      element("li", {}, element("q", { text: sentence }), element("small", { text: why })),
    );
    const count = withheld.length ? `, ${withheld.length} withheld` : "";
    return element(
      "details",
      { className: "trace" },
      element("summary", { text: `${outcome}${count}` }),
      element("dl", {}, ...lines),
      ...(items.length ? [element("b", { text: "Withheld from the customer" }), element("ul", { className: "withheld" }, ...items)] : []),
      element("a", { href: page, text: "What the model was given" }),
    );
  }
}
