// Frames that must arrive and are not acknowledged one by one: a wish for a person, a thumb, a word
// on a form. Each is kept until the answer to a ping behind it proves that it was carried out, and
// sent once more by the next connection otherwise. The server takes all of them twice.

export class Assured {
  #connection;
  #sent = 0;
  #kept = []; // {n, frame}

  constructor(connection) {
    this.#connection = connection;
  }

  /** False when there is nobody to send to; then it is not kept either. */
  send(frame) {
    if (!this.#connection.send(frame)) return false;
    this.#kept.push({ n: ++this.#sent, frame });
    this.#connection.send({ type: "ping", n: this.#sent });
    this.#connection.probe();
    return true;
  }

  proved(n) {
    this.#kept = this.#kept.filter((one) => one.n > n);
  }

  again() {
    for (const { frame } of this.#kept.splice(0)) this.send(frame);
  }

  clear() {
    this.#kept = [];
  }
}
