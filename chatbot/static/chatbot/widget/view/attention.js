// Follows what the customer has seen: tells the agents by `read`, and counts unread messages for the
// launcher's badge.

export class Attention {
  #connection;
  #host;
  #open;
  #last = 0;
  #read = 0;
  #unread = 0;
  #baseline = null; // the last number at the first welcome; older messages are no news

  constructor(connection, host) {
    this.#connection = connection;
    this.#host = host;
    this.#open = !host.embedded;
    document.addEventListener("visibilitychange", () => this.look());
  }

  set open(open) {
    this.#open = open;
    if (open) this.#count(0);
    this.look();
  }

  welcomed(lastSeq) {
    this.#baseline ??= lastSeq;
    this.#read = 0; // the last connection may have lost the frame
    this.look();
  }

  arrived({ seq, author }) {
    this.#last = Math.max(this.#last, seq);
    const news = seq > this.#baseline && (author === "bot" || author === "agent");
    if (news && !this.#open) this.#count(this.#unread + 1);
    this.look();
  }

  reset() {
    this.#last = this.#read = 0;
    this.#baseline = null;
    this.#count(0);
  }

  look() {
    if (!this.#open || document.visibilityState !== "visible" || this.#last <= this.#read) return;
    if (this.#connection.send({ type: "read", seq: this.#last })) this.#read = this.#last;
  }

  #count(unread) {
    if (unread === this.#unread) return;
    this.#unread = unread;
    this.#host.tell("unread", { count: unread });
  }
}
