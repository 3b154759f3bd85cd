// Messages that the server has not acknowledged. One storage key each, so that two tabs of the
// same person never overwrite each other's list.

import * as storage from "./storage.js";

/** {id, text, attachments, at, error}; the id is the message's for ever, and the server keeps
 * what its attachments name. */
export function newEntry(text, attachments) {
  return { id: newId(), text, attachments, at: new Date().toISOString(), error: null };
}

export class Outbox {
  #prefix;

  constructor(inbox, subject) {
    this.#prefix = `attune:${inbox}:${subject}:outbox:`;
  }

  put(entry) {
    storage.set(this.#prefix + entry.id, JSON.stringify(entry));
  }

  get(id) {
    const value = storage.get(this.#prefix + id);
    return value === null ? null : JSON.parse(value);
  }

  remove(id) {
    storage.remove(this.#prefix + id);
  }

  /** Oldest first. */
  all() {
    const ids = storage.keys(this.#prefix).map((key) => key.slice(this.#prefix.length));
    return ids.map((id) => this.get(id)).sort((a, b) => (a.at < b.at ? -1 : 1));
  }
}

// crypto.randomUUID exists on secure origins only; a private network may well be plain HTTP.
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
