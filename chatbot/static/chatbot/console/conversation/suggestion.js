// The answer that the bot would give: only the agent sees it, and may use it.

import { byId } from "../../common/dom.js";

export class Suggestion {
  // Set by the owner.
  onAsk = () => false;
  onUse = (_text) => {};

  constructor() {
    byId("suggest").addEventListener("click", () => (byId("suggest").disabled = this.onAsk()));
    byId("draft-drop").addEventListener("click", () => this.close());
    byId("draft-use").addEventListener("click", () => {
      this.close();
      this.onUse(byId("draft-text").textContent);
    });
  }

  set offered(offered) {
    byId("suggest").hidden = !offered;
  }

  /** The server has answered: the agent may ask again. */
  answered() {
    byId("suggest").disabled = false;
  }

  show({ text, sources }) {
    this.answered();
    byId("draft").hidden = false;
    byId("draft-text").textContent = text;
    byId("draft-sources").textContent = sources.length ? `from ${sources.join(", ")}` : "";
  }

  close() {
    byId("draft").hidden = true;
  }
}
