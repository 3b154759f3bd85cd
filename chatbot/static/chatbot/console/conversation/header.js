// The head of the conversation: how things stand, and the buttons that change it.

import { byId, element } from "../../common/dom.js";
import { mood, trend, waiting } from "../draw.js";

const SNOOZE = 60; // minutes

export class Header {
  #me = null;

  // Set by the owner.
  act = (_what, _values) => {};

  constructor() {
    for (const button of byId("actions").querySelectorAll("[data-act]"))
      button.addEventListener("click", () =>
        button.dataset.act === "snooze" ? this.snooze() : this.act(button.dataset.act),
      );
    byId("colleague").addEventListener("change", ({ target }) => {
      if (target.value) this.act("pass_on", { to: target.value });
      target.value = "";
    });
  }

  hello({ me, people }) {
    this.#me = me;
    const names = people.map(({ to, name }) => element("option", { value: to, text: name }));
    byId("colleague").replaceChildren(byId("colleague").firstElementChild, ...names);
  }

  snooze() {
    this.act("snooze", { minutes: SNOOZE });
  }

  passOn() {
    byId("colleague").focus();
  }

  /** The agent of this page has taken the conversation over. */
  isMine({ state, agent_id: agent }) {
    return state === "agent" && agent === this.#me;
  }

  update(row, may) {
    const standing = [mood(row.mood), ...trend(row), element("span", { text: this.#standing(row) })];
    if (row.why) standing.push(element("span", { className: "why", text: row.why }));
    byId("standing").replaceChildren(...standing);
    const [state, mine] = [row.state, this.isMine(row)];
    const shown = {
      take: ["bot", "waiting"].includes(state),
      hand_back: mine,
      acknowledge: row.alerted,
      snooze: row.alerted,
      resolve: state !== "closed" && (state !== "agent" || mine),
    };
    for (const button of byId("actions").querySelectorAll("[data-act]"))
      button.hidden = !may.act || !shown[button.dataset.act];
    byId("colleague").parentElement.hidden = !mine;
  }

  #standing(row) {
    const { state, agent, since, contact } = row;
    if (state === "agent") return this.isMine(row) ? "With you" : `With ${agent || "an agent"}`;
    const words = { bot: "The bot is answering", waiting: waiting(since), closed: "Closed" }[state];
    return contact ? `${words} · left an e-mail address` : words;
  }
}
