// Joins the parts: frames from the server to the list and the conversation, and back.

import { Alarm } from "./alarm.js";
import { Answers } from "./conversation/answers.js";
import { byId } from "./draw.js";
import { listen } from "./shortcuts.js";
import { Queue } from "./queue/queue.js";
import { Socket } from "./socket.js";
import { Summary } from "./customer/summary.js";
import { Talk } from "./conversation/conversation.js";
import { Views } from "./queue/saved-views.js";

const NOTICE_LASTS = 8_000;
const STATES = {
  online: "",
  unsure: "The connection is being checked.",
  offline: "The connection is lost; it is tried again.",
  forbidden: "You may not see conversations. Ask an administrator for the right to view them.",
};

const socket = new Socket();
const queue = new Queue();
const alarm = new Alarm();
const views = new Views();
const summary = new Summary();
// Before the conversation, which sends on Enter: an open list of answers takes that key.
const answers = new Answers();
const talk = new Talk();
let timer = null;
let wanted = location.hash.slice(1) || null;

const frames = {
  hello: (frame) => {
    talk.hello(frame);
    alarm.know(frame.alerts);
    views.know(frame.views);
    socket.send("list", queue.wanted);
    if (wanted) socket.send("open", { conversation: wanted, after: talk.id === wanted ? talk.last : 0 });
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
    talk.open(frame);
    answers.fill(frame.answers);
    summary.show(frame.row.id, frame.card.summary, frame.may.act);
  },
  summary: (frame) => {
    if (frame.conversation === talk.id) summary.show(talk.id, frame.summary, true);
  },
  messages: (frame) => talk.messages(frame),
  corrected: (frame) => talk.corrected(frame),
  note: (frame) => talk.note(frame),
  reply: (frame) => talk.progress(frame),
  typing: (frame) => talk.typing(frame),
  read: (frame) => talk.read(frame),
  contact: (frame) => talk.contact(frame),
  draft: (frame) => talk.draft(frame),
  ack: (frame) => talk.acknowledged(frame),
  error: (frame) => {
    talk.refused(frame);
    notice(frame.text);
  },
};

function changed(row) {
  if (row.id === talk.id) talk.update(row);
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

function leave() {
  delete byId("live").dataset.open;
  delete byId("live").dataset.card;
}

socket.onFrame = (frame) => frames[frame.type]?.(frame);
socket.onState = (state) => {
  byId("live").dataset.connection = state;
  notice(STATES[state], 0);
};
queue.onWanted = (list) => socket.send("list", list);
queue.onOpen = open;
talk.send = summary.send = views.send = (type, values) => socket.send(type, values);
talk.probe = () => socket.probe();
talk.onTrouble = (text) => notice(text);
alarm.onOpen = open;
views.current = () => queue.wanted;
views.onChosen = (wanted) => queue.restore(wanted);
byId("back").addEventListener("click", leave);
if (wanted) byId("live").dataset.open = "true";
listen({
  j: () => queue.move(1),
  k: () => queue.move(-1),
  t: () => talk.act("take"),
  r: () => talk.write(),
  n: () => talk.jot(),
  p: () => talk.pass(),
  b: () => talk.act("hand_back"),
  e: () => talk.act("resolve"),
  a: () => talk.act("acknowledge"),
  s: () => talk.snooze(),
  "/": () => queue.search(),
  "?": () => byId("keys").showModal(),
});
socket.open();
