// Messages that the server has not acknowledged. Each has a storage key of its own, so that two tabs
// of the same person never overwrite each other's list.

import { newId } from "../../common/id.js";
import * as storage from "./storage.js";

/** {id, text, attachments, at, error}; `put` adds the place in the queue. The id never changes, and
 * the server already has the files that the attachments name. */
export function newEntry(text, attachments) {
  return { id: newId(), text, attachments, at: new Date().toISOString(), error: null };
}

export class Outbox {
  #prefix;

  constructor(inbox, subject) {
    this.#prefix = `attune:${inbox}:${subject}:outbox:`;
  }

  /** A new entry goes behind all others. Places are counted: a clock may be put back. */
  put(entry) {
    const place = entry.place ?? 1 + Math.max(0, ...this.all().map((other) => other.place ?? 0));
    storage.set(this.#prefix + entry.id, JSON.stringify({ ...entry, place }));
  }

  get(id) {
    const value = storage.get(this.#prefix + id);
    return value === null ? null : JSON.parse(value);
  }

  remove(id) {
    storage.remove(this.#prefix + id);
  }

  /** In the order of writing, whichever tab they were written in. */
  all() {
    const ids = storage.keys(this.#prefix).map((key) => key.slice(this.#prefix.length));
    const waiting = ids.map((id) => this.get(id)).filter(Boolean); // another tab may have removed one
    return waiting.sort((a, b) => (a.place ?? 0) - (b.place ?? 0) || (a.at < b.at ? -1 : 1));
  }
}
