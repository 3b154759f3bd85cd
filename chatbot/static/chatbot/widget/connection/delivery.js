// Sends the customer's messages and keeps them until the server has them. Sending again is always
// safe: the id stays the same and the server takes each id once.

import { ACK_DOUBTED_AFTER } from "../../common/pulse.js";
import { newEntry, Outbox } from "./outbox.js";

const ACK_WITHIN = 15_000;
const NO_CONNECTION = "Waiting for a connection";

export class Delivery {
  #inbox;
  #connection;
  #log;
  #outbox = null;
  #early = []; // written before the session told who the customer is
  #timers = new Map(); // id -> timers that wait for the acknowledgement
  #late = new Set(); // ids that a second connection was opened for

  constructor(inbox, connection, log) {
    this.#inbox = inbox;
    this.#connection = connection;
    this.#log = log;
  }

  /** The session tells who the customer is: shows what that person had not sent yet. */
  adopt(subject) {
    this.#outbox = new Outbox(this.#inbox, subject);
    for (const entry of this.#early.splice(0)) this.#outbox.put(entry);
    this.show();
  }

  show() {
    for (const entry of this.#outbox.all()) {
      this.#log.pending(entry);
      if (entry.error) this.#log.status(entry.id, "failed", entry.error);
    }
  }

  submit(text, attachments) {
    const entry = newEntry(text, attachments);
    if (this.#outbox) this.#outbox.put(entry);
    else this.#early.push(entry);
    this.#log.pending(entry);
    this.#send(entry);
  }

  /** Sends everything that waits. Called after each welcome. */
  flush() {
    for (const entry of this.#outbox.all()) if (!entry.error) this.#send(entry);
  }

  /** The connection is lost: messages on their way wait for the next one. */
  pause() {
    for (const id of this.#timers.keys()) this.#log.status(id, "sending", NO_CONNECTION);
    this.#stopTimers(...this.#timers.keys());
  }

  settle(id) {
    this.#stopTimers(id);
    this.#late.delete(id);
    this.#outbox.remove(id);
  }

  /** The server has refused the message; `text` says why. */
  refuse(id, text) {
    const entry = this.#outbox.get(id);
    if (!entry) return;
    this.#stopTimers(id);
    this.#outbox.put({ ...entry, error: text });
    this.#log.status(id, "failed", text);
  }

  resend(id) {
    const entry = this.#outbox.get(id);
    if (!entry) return;
    const silent = !entry.error; // no answer came: the connection itself is in doubt
    this.#outbox.put({ ...entry, error: null });
    if (silent) this.#connection.restart();
    else this.#send({ ...entry, error: null });
  }

  #send({ id, text, attachments }) {
    this.#stopTimers(id);
    const files = attachments?.length ? { attachments: attachments.map((file) => file.id) } : {};
    if (!this.#connection.send({ type: "message", id, text, ...files })) {
      this.#log.status(id, "sending", NO_CONNECTION);
      return;
    }
    this.#log.status(id, "sending");
    const doubt = setTimeout(() => this.#connection.probe(), ACK_DOUBTED_AFTER);
    this.#timers.set(id, [doubt, setTimeout(() => this.#overdue(id), ACK_WITHIN)]);
  }

  /** A new connection sends the message once more; after that only the customer does. */
  #overdue(id) {
    this.#stopTimers(id);
    this.#log.status(id, "failed", "May not have arrived");
    if (this.#late.has(id)) return;
    this.#late.add(id);
    this.#connection.lost();
  }

  #stopTimers(...ids) {
    for (const id of ids) {
      for (const timer of this.#timers.get(id) ?? []) clearTimeout(timer);
      this.#timers.delete(id);
    }
  }
}
