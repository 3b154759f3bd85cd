// The host page around the iframe. The loader names the page's origin in the address's fragment;
// messages go to exactly that origin and are accepted from exactly that window.

const ANSWER_WITHIN = 10_000;

export class Host {
  #origin = new URLSearchParams(location.hash.slice(1)).get("host");
  #handlers = new Map();

  constructor() {
    window.addEventListener("message", (event) => this.#receive(event));
  }

  /** False when the chat was opened as a page of its own. */
  get embedded() {
    return this.#origin !== null && window.parent !== window;
  }

  on(type, handler) {
    this.#handlers.set(type, handler);
  }

  tell(type, more = {}) {
    if (this.embedded) window.parent.postMessage({ attune: 1, type, ...more }, this.#origin);
  }

  /** A fresh identity JWT, or null for an anonymous visitor. Rejects when the page fails to answer. */
  async identity() {
    if (!this.embedded) return null;
    const { token, failed } = await this.#ask("identity");
    if (failed) throw new Error("The page could not fetch the customer's identity.");
    return token ?? null;
  }

  #ask(type) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("The page did not answer.")), ANSWER_WITHIN);
      this.on(type, (message) => {
        clearTimeout(timer);
        resolve(message);
      });
      this.tell(type);
    });
  }

  #receive(event) {
    if (event.source !== window.parent || event.origin !== this.#origin) return;
    if (event.data?.attune === 1) this.#handlers.get(event.data.type)?.(event.data);
  }
}
