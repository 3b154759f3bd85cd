// The agent's messages that the server has not acknowledged. Sending again is safe: the id stays the
// same and the server takes each id once.

import { newId } from "../../common/id.js";
import { ACK_DOUBTED_AFTER } from "../../common/pulse.js";

export class Outbox {
  #socket;
  #unsent = new Map(); // id -> {frame, files}

  constructor(socket) {
    this.#socket = socket;
  }

  /** Without a connection the message goes out with the next hello. */
  send(conversation, text, files) {
    const id = newId();
    const frame = { conversation, id, text, attachments: files.map((file) => file.id) };
    this.#unsent.set(id, { frame, files });
    setTimeout(() => this.#unsent.has(id) && this.#socket.probe(), ACK_DOUBTED_AFTER);
    this.#socket.send("message", frame);
  }

  resend() {
    for (const { frame } of this.#unsent.values()) this.#socket.send("message", frame);
  }

  /** Removes the message, and returns it if it was there. */
  take(id) {
    const entry = this.#unsent.get(id);
    this.#unsent.delete(id);
    return entry;
  }
}
