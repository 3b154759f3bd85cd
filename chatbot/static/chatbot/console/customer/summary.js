// The summary beside a conversation: the model writes it, the agent may edit it.

import { byId, element } from "../../common/dom.js";
import { mood } from "../draw.js";

const LINES = { problem: "Problem", tried: "Tried so far", question: "Open question" };

export class Summary {
  #socket;
  #conversation = null;
  #known = null;

  constructor(socket) {
    this.#socket = socket;
    byId("summarise").addEventListener("click", () => {
      byId("summary-state").textContent = "The model is reading the conversation…";
      this.#socket.send("summarise", { conversation: this.#conversation });
    });
    byId("summary-edit").addEventListener("click", () => this.#edit());
    byId("summary-form").addEventListener("submit", (event) => this.#save(event));
  }

  show(conversation, found, may) {
    [this.#conversation, this.#known] = [conversation, found];
    const lines = found
      ? Object.entries(LINES)
          .filter(([name]) => found[name])
          .flatMap(([name, label]) => [element("dt", { text: label }), element("dd", { text: found[name] })])
      : [];
    if (found && found.moods[0] !== null)
      lines.push(element("dt", { text: "Mood" }), element("dd", {}, mood(found.moods[0]), " to ", mood(found.moods[1])));
    byId("summary").replaceChildren(...lines);
    byId("summary-state").textContent = found ? found.by : "No summary yet.";
    byId("summarise").hidden = !may;
    byId("summary-edit").hidden = !may || !found;
    byId("summary-form").hidden = true;
    byId("summary").hidden = false;
  }

  #edit() {
    const form = byId("summary-form");
    for (const name of Object.keys(LINES)) form.elements[name].value = this.#known[name];
    form.hidden = false;
    byId("summary").hidden = true;
    form.elements.problem.focus();
  }

  #save(event) {
    event.preventDefault();
    const { problem, tried, question } = event.target.elements;
    const lines = { problem: problem.value, tried: tried.value, question: question.value };
    this.#socket.send("summary", { conversation: this.#conversation, ...lines });
  }
}
