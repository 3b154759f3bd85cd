// The messages of the conversation, and the line below them that tells who is writing.

import { byId, element } from "../../common/dom.js";
import { drawMessage, markCorrected } from "./message.js";
import { markTaught } from "./teach.js";

const TYPING_LASTS = 4_000;
const NEAR_END = 120; // pixels

export class Transcript {
  #list = byId("messages");
  #writing = byId("writing");
  #timer = null;
  #fresh = true; // just opened: the end is shown
  #read = 0; // the last message that the customer has read
  #asked = ""; // what the customer has written last
  last = 0;

  clear() {
    this.#list.replaceChildren();
    this.#writing.textContent = "";
    this.#fresh = true;
    this.last = 0;
  }

  /** correct and teaching: as `drawMessage` takes them. */
  add(messages, correct, teaching) {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    const atEnd = this.#fresh || scrollHeight - scrollTop - clientHeight < NEAR_END;
    this.#fresh = false;
    const news = messages.filter(({ seq }) => seq > this.last);
    // The server sends the newest only; the conversation's own page has the earlier ones.
    if (this.last === 0 && news[0]?.seq > 1) this.#list.append(earlier(news[0].seq - 1));
    this.last = news.at(-1)?.seq ?? this.last;
    this.#list.append(...news.map((message) => this.#drawn(message, correct, teaching)));
    this.#writing.textContent = "";
    this.#markSeen();
    if (atEnd) this.#list.scrollTop = this.#list.scrollHeight;
    return news;
  }

  #drawn(message, correct, teaching) {
    if (message.author === "customer") this.#asked = message.text;
    return drawMessage(message, correct, teaching && { ...teaching, question: this.#asked });
  }

  scrollTo(seq) {
    this.#find(seq)?.scrollIntoView({ block: "center" });
  }

  corrected({ seq, label }) {
    const item = this.#find(seq);
    if (item) markCorrected(item, label);
  }

  taught({ seq, taught }) {
    const made = this.#find(seq)?.querySelector(".teach");
    if (made) markTaught(made, taught);
  }

  /** What the bot is doing at the moment. */
  progress(text) {
    this.#writing.textContent = text;
  }

  customerTypes() {
    this.#writing.textContent = "The customer is typing…";
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.#writing.textContent = ""), TYPING_LASTS);
  }

  /** The customer has read up to this message; an older number than the known one changes nothing. */
  read(seq) {
    this.#read = Math.max(this.#read, seq);
    this.#markSeen();
  }

  set readUpTo(seq) {
    this.#read = seq;
  }

  /** Under the last of the agents' messages that the customer has read. */
  #markSeen() {
    this.#list.querySelector(".seen")?.remove();
    const sent = [...this.#list.querySelectorAll(".from-agent")];
    const read = sent.filter((item) => item.dataset.seq <= this.#read);
    read.at(-1)?.append(element("p", { className: "quiet seen", text: "Seen by the customer" }));
  }

  #find(seq) {
    return this.#list.querySelector(`[data-seq="${seq}"]`);
  }
}

function earlier(count) {
  const text = `${count} earlier message${count > 1 ? "s" : ""}`;
  const link = element("a", { href: `${byId("history").href}?all=1`, text });
  return element("li", { className: "entry from-system" }, link);
}
