// Starts the console: joins the server's frames to the queue and the conversation, and back.

import { byId } from "../common/dom.js";
import { Alarm } from "./alarm.js";
import { Answers } from "./conversation/answers.js";
import { Conversation } from "./conversation/conversation.js";
import { Summary } from "./customer/summary.js";
import { Queue } from "./queue/queue.js";
import { SavedViews } from "./queue/saved-views.js";
import { listen } from "./shortcuts.js";
import { Socket } from "./socket.js";

const NOTICE_LASTS = 8_000;
const STATES = {
  online: "",
  unsure: "Checking the connection…",
  offline: "The connection is lost. Reconnecting…",
  forbidden: "You do not have permission to view conversations. Ask an administrator for it.",
};

const socket = new Socket();
const queue = new Queue();
const alarm = new Alarm();
const views = new SavedViews();
const summary = new Summary(socket);
// Created before the conversation, which sends on Enter: an open list of answers takes that key.
const answers = new Answers();
const conversation = new Conversation(socket);
let timer = null;
let wanted = location.hash.slice(1) || null;

const ifOpen = (act) => (frame) => frame.conversation === conversation.id && act(frame);
const frames = {
  hello: (frame) => {
    byId("away").checked = frame.away;
    conversation.hello(frame);
    alarm.know(frame.alerts);
    views.know(frame.views);
    socket.send("list", queue.wanted);
    const after = conversation.id === wanted ? conversation.last : 0;
    if (wanted) socket.send("open", { conversation: wanted, after });
  },
  rows: (frame) => {
    queue.fill(frame);
    queue.choose(wanted);
  },
  row: ({ row }) => {
    queue.put(row);
    changed(row);
  },
  views: (frame) => views.know(frame.views),
  alert: ({ row }) => alarm.hear(row),
  gone: ({ row }) => {
    queue.drop(row.id);
    changed(row);
  },
  conversation: (frame) => {
    conversation.open(frame);
    answers.fill(frame.answers);
    summary.show(frame.row.id, frame.card.summary, frame.may.act);
  },
  summary: ifOpen((frame) => summary.show(frame.conversation, frame.summary, true)),
  messages: ifOpen((frame) => conversation.messages(frame)),
  corrected: ifOpen((frame) => conversation.corrected(frame)),
  taught: ifOpen((frame) => conversation.taught(frame)),
  note: ifOpen((frame) => conversation.note(frame)),
  reply: ifOpen((frame) => conversation.progress(frame)),
  typing: ifOpen(() => conversation.typing()),
  read: ifOpen((frame) => conversation.read(frame)),
  contact: ifOpen((frame) => conversation.contact(frame)),
  draft: ifOpen((frame) => conversation.draft(frame)),
  ack: (frame) => conversation.acknowledged(frame),
  error: (frame) => {
    conversation.refused(frame);
    notice(frame.text);
  },
};

function changed(row) {
  if (row.id === conversation.id) conversation.update(row);
}

function notice(text, lasts = NOTICE_LASTS) {
  clearTimeout(timer);
  byId("notice").textContent = text;
  if (text && lasts) timer = setTimeout(() => notice(""), lasts);
}

function open(id) {
  wanted = id;
  history.replaceState(null, "", `#${id}`);
  queue.choose(id);
  byId("live").dataset.open = "true";
  socket.send("open", { conversation: id, after: 0 });
}

socket.onFrame = (frame) => frames[frame.type]?.(frame);
socket.onState = (state) => {
  byId("live").dataset.connection = state;
  notice(STATES[state], 0);
};
queue.onWanted = (list) => socket.send("list", list);
queue.onOpen = alarm.onOpen = open;
conversation.onTrouble = notice;
views.current = () => queue.wanted;
views.onChosen = (filters) => queue.restore(filters);
views.onSave = (view) => socket.send("save_view", view);
views.onDelete = (name) => socket.send("drop_view", { name });
byId("away").addEventListener("change", ({ target }) =>
  socket.send("away", { value: Number(target.checked) }),
);
byId("back").addEventListener("click", () => {
  delete byId("live").dataset.open;
  delete byId("live").dataset.card;
});
if (wanted) byId("live").dataset.open = "true";
listen({
  j: () => queue.move(1),
  k: () => queue.move(-1),
  t: () => conversation.act("take"),
  r: () => conversation.write(),
  n: () => conversation.writeNote(),
  p: () => conversation.passOn(),
  b: () => conversation.act("hand_back"),
  e: () => conversation.act("resolve"),
  a: () => conversation.act("acknowledge"),
  s: () => conversation.snooze(),
  "/": () => queue.search(),
  "?": () => byId("keys").showModal(),
});
socket.open();
