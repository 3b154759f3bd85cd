// Lets an agent judge the bot's answer: right, wrong, or what it should have said.

import { offerChoices } from "../../common/choices.js";
import { element } from "../../common/dom.js";

/** teach(values) sends the judgement; `records` answers what the field of records asks; `article` is
 * the page to write an article, or "", and `question` its title. */
export function drawTeaching(message, { teach, records, article, question }) {
  const made = element("div", { className: "teach" });
  made.setAttribute("role", "group");
  made.setAttribute("aria-label", "Judge this answer");
  const form = correction(message.seq, records, article, question);
  const { answer, record } = form.elements;
  const say = (verdict, more) => teach({ seq: message.seq, verdict, ...more });
  const wrong = () => say("wrong", { answer: answer.value, record: record.value });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    wrong();
    document.activeElement.blur();
  });
  made.append(
    element(
      "p",
      {},
      button("Right", () => say("right")),
      button("Wrong", wrong),
      button("Take it back", () => say("")),
      element("span", { className: "heard" }),
    ),
    element("details", {}, element("summary", { text: "The bot should have said …" }), form),
  );
  markTaught(made, message.taught);
  return made;
}

export function markTaught(made, taught) {
  const [right, wrong, back] = made.querySelectorAll("p > button");
  right.setAttribute("aria-pressed", String(taught?.verdict === "right"));
  wrong.setAttribute("aria-pressed", String(taught?.verdict === "wrong"));
  back.hidden = !taught;
  const words = { right: "The answer was right", wrong: "The answer was wrong" };
  const said = taught ? `${words[taught.verdict] ?? "Test question"}, says ${taught.by}.` : "";
  made.querySelector(".heard").textContent = said;
  const form = made.querySelector("form");
  // What somebody is writing at the moment stays.
  if (form.contains(document.activeElement)) return;
  form.elements.answer.value = taught?.answer ?? "";
  form.elements.record.value = taught?.verdict === "wrong" ? taught.record : "";
}

function correction(seq, records, article, question) {
  const answer = element("textarea", { name: "answer", rows: 2, maxLength: 2000, dir: "auto" });
  const record = element("input", { name: "record", maxLength: 700, autocomplete: "off" });
  record.placeholder = "Type some of its title";
  const list = element("datalist", { id: `records-${seq}` });
  record.setAttribute("list", list.id);
  offerChoices(record, records, true);
  const form = element(
    "form",
    {},
    element("label", {}, "What should be said ", answer),
    element("label", {}, "The record that says it ", record),
    list,
    element("button", { text: "Save", className: "main" }),
  );
  if (article) form.append(writing(article, { title: question, answer }));
  return form;
}

function writing(article, { title, answer }) {
  const link = element("a", { href: article, text: "Write an article" });
  link.addEventListener("click", () => {
    link.href = `${article}?${new URLSearchParams({ title, body: answer.value })}`;
  });
  return link;
}

function button(text, onClick) {
  const made = element("button", { type: "button", text });
  made.addEventListener("click", onClick);
  return made;
}
