// Frames that must arrive although the server does not acknowledge them: a request for a person, a
// thumb, an answer to a form. A ping follows each frame. Its pong proves that the server has carried
// the frame out; without it the next connection sends the frame again, which is safe: the server
// accepts repetitions.

export class Assured {
  #connection;
  #sent = 0;
  #kept = []; // {n, frame}

  constructor(connection) {
    this.#connection = connection;
  }

  /** False when there is nobody to send to; then it is not kept either. `proved` is called once it
   * has arrived. */
  send(frame, proved = () => {}) {
    if (!this.#connection.send(frame)) return false;
    this.#kept.push({ n: ++this.#sent, frame, proved });
    this.#connection.send({ type: "ping", n: this.#sent });
    this.#connection.probe();
    return true;
  }

  proved(n) {
    const arrived = this.#kept.filter((one) => one.n <= n);
    this.#kept = this.#kept.filter((one) => one.n > n);
    for (const { proved } of arrived) proved();
  }

  again() {
    for (const { frame, proved } of this.#kept.splice(0)) this.send(frame, proved);
  }

  clear() {
    this.#kept = [];
  }
}
