// The inbox's suggested questions, with which a conversation can begin. The style sheet hides them
// once there is a message.

import { byId } from "../../common/dom.js";

export class Suggestions {
  #element = byId("suggestions"); // null where the inbox suggests nothing

  constructor(choose) {
    for (const button of this.#element?.children ?? []) {
      button.addEventListener("click", () => choose(button.textContent));
    }
  }

  set hidden(hidden) {
    if (this.#element) this.#element.hidden = hidden;
  }
}
