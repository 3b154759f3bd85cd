// The summary beside a conversation: made by the machine, corrected by the agent.

import { byId, element, mood } from "../draw.js";

const LINES = { problem: "Problem", tried: "Tried so far", question: "Open" };

export class Summary {
  #of = null;
  #may = false;
  #known = null;
  send = () => false;

  constructor() {
    byId("summarise").addEventListener("click", () => {
      byId("summary-state").textContent = "The model reads the conversation …";
      this.send("summarise", { conversation: this.#of });
    });
    byId("summary-edit").addEventListener("click", () => this.#edit());
    byId("summary-form").addEventListener("submit", (event) => this.#save(event));
  }

  show(conversation, found, may) {
    [this.#of, this.#known, this.#may] = [conversation, found, may];
    const lines = found
      ? Object.entries(LINES)
          .filter(([name]) => found[name])
          .flatMap(([name, label]) => [element("dt", { text: label }), element("dd", { text: found[name] })])
      : [];
    if (found && found.moods[0] !== null)
      lines.push(element("dt", { text: "Mood" }), element("dd", {}, mood(found.moods[0]), " to ", mood(found.moods[1])));
    byId("summary").replaceChildren(...lines);
    byId("summary-state").textContent = found ? found.by : "None yet.";
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
    this.send("summary", { conversation: this.#of, ...lines });
  }
}
