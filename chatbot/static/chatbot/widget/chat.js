// Joins the parts: brings the server's frames to the screen, and the customer's acts to the server.

import { Assured } from "./connection/assured.js";
import { Delivery } from "./connection/delivery.js";
import { History } from "./connection/history.js";
import { Connection } from "./connection/socket.js";
import { Attention } from "./view/attention.js";
import { Away } from "./view/away.js";
import { Composer } from "./view/composer.js";
import { Ended } from "./view/ended.js";
import { Files } from "./view/files.js";
import { Log } from "./view/log.js";
import { Provisional } from "./view/provisional.js";
import { Requests } from "./view/requests.js";
import { Status } from "./view/status.js";
import { Suggestions } from "./view/suggestions.js";

export class Chat {
  #connection;
  #assured;
  #attention;
  #delivery;
  #files;
  #log = new Log({
    file: (description) => this.#files.shown(description),
    resend: (id) => this.#resend(id),
    choose: (text) => this.#choose(text),
    feedback: (seq, value) => this.#send({ type: "feedback", seq, value }),
  });
  #requests = new Requests(this.#log, (frame) => this.#send(frame));
  #suggestions = new Suggestions((text) => this.#choose(text));
  #provisional = new Provisional();
  #status = new Status();
  #composer;
  #away = new Away();
  #ended;
  #history = new History();
  #subject = null;
  #looked; // the customer has opened the chat
  #conversation = null;
  #catchUpTo = 0;
  #frames = {
    welcome: (frame) => this.#welcome(frame),
    ack: ({ id, seq }) => this.#ack(id, seq),
    message: (frame) => this.#message(frame),
    reply: (frame) => this.#reply(frame),
    typing: () => this.#provisional.agentTypes(),
    state: ({ state, agent }) => this.#state(state, agent),
    queue: ({ position }) => this.#status.queue(position),
    away: (frame) => this.#leftAlone(frame),
    action: (frame) => this.#requests.show(frame),
    pong: ({ n }) => this.#assured.proved(n),
    error: (frame) => this.#error(frame),
  };

  constructor(inbox, session, host) {
    this.#connection = new Connection(session);
    this.#assured = new Assured(this.#connection);
    this.#files = new Files(inbox, session);
    this.#files.onTrouble = (text, seconds) => this.#status.notice(text, seconds);
    this.#looked = !host.embedded;
    this.#composer = new Composer(this.#files);
    this.#ended = new Ended(session);
    this.#away.onContact = (email) => this.#send({ type: "contact", email });
    this.#ended.onRated = (score, comment, proved) => this.#send({ type: "csat", score, comment }, proved);
    this.#attention = new Attention(this.#connection, host);
    this.#delivery = new Delivery(inbox, this.#connection, this.#log);
    this.#connection.after = () => this.#history.after;
    this.#connection.onSession = (subject) => this.#adopt(subject);
    this.#connection.onState = (state) => this.#connected(state);
    this.#connection.onRefused = (text) => this.#status.notice(text);
    // A frame without a handler comes from a newer server, and is no reason to stop.
    this.#connection.onFrame = (frame) => this.#frames[frame.type]?.(frame);
    this.#composer.onSend = (text, attachments) => this.#delivery.submit(text, attachments);
    this.#composer.onTyping = () => this.#connection.send({ type: "typing" });
    this.#composer.draft.onPause = (text) => this.#connection.send({ type: "ahead", text });
  }

  start() {
    this.#connection.restart();
  }

  /** The customer opens the chat; `text` goes into the composer. */
  open(text = null) {
    this.#attention.open = this.#looked = true;
    this.#tellLost();
    if (text) this.#composer.fill(text);
    this.#composer.focus();
    this.#log.toEnd();
  }

  shut() {
    this.#attention.open = false;
  }

  askForPerson() {
    if (!this.#send({ type: "handoff" })) return;
    this.#status.requested();
    this.#composer.focus(); // the button that had the focus disappears
  }

  startAnew() {
    this.#reset();
    this.#files.tray.renew(); // the files now belong to the new conversation
    this.#delivery.show();
    this.#state("bot");
    this.#connection.restart();
    this.#composer.focus();
  }

  #send(frame, proved) {
    const sent = this.#assured.send(frame, proved);
    if (!sent) this.#status.notice("There is no connection at the moment. Please try again soon.");
    return sent;
  }

  #resend(id) {
    this.#delivery.resend(id);
    this.#composer.focus();
  }

  #choose(text) {
    this.#delivery.submit(text, []);
    this.#composer.focus(); // the button that had the focus disappears
  }

  #connected(state) {
    this.#status.connection(state);
    if (state === "online" || state === "unsure") return;
    this.#delivery.pause();
    if (state === "offline") this.#ended.cutOff();
    this.#provisional.still();
  }

  #adopt(subject) {
    if (subject === this.#subject) return;
    if (this.#subject !== null) this.#files.tray.clear(); // they were another person's
    this.#subject = subject;
    this.#reset();
    this.#delivery.adopt(subject);
  }

  #welcome({ conversation, state, last_seq: lastSeq, replying, agent, ahead }) {
    this.#composer.draft.wanted = Boolean(ahead); // an older server does not know the "ahead" frame
    if (this.#conversation && conversation !== this.#conversation && this.#history.after) {
      // Not the conversation whose last number our hello named: load this one from its beginning.
      this.#reset();
      this.#files.tray.renew();
      this.#delivery.show();
      this.#connection.restart();
      return;
    }
    this.#conversation = conversation;
    this.#catchUpTo = lastSeq;
    this.#suggestions.hidden = lastSeq > 0;
    this.#log.announce(lastSeq <= this.#history.after);
    this.#attention.welcomed(lastSeq);
    this.#state(state, agent);
    if (replying) this.#provisional.resume();
    else this.#provisional.clear();
    this.#delivery.flush();
    this.#assured.again();
    this.#files.tray.retry();
    this.#tellLost();
  }

  #tellLost() {
    if (this.#looked && this.#conversation) this.#files.tellLost();
  }

  #ack(id, seq) {
    this.#history.note(seq);
    this.#delivery.settle(id);
    this.#status.notice("");
    this.#log.confirm(id, seq);
  }

  #message(message) {
    const fresh = this.#history.note(message.seq);
    if (message.author === "customer" && message.id) this.#delivery.settle(message.id);
    if (!fresh && !message.id) return;
    if (message.author !== "customer") this.#provisional.clear();
    this.#log.add(message);
    this.#attention.arrived(message);
    if (this.#history.after >= this.#catchUpTo) this.#log.announce(true);
  }

  #reply({ state, sentence }) {
    if (state === "thinking") this.#provisional.think(sentence);
    else if (state === "sentence") this.#provisional.say(sentence);
    else this.#provisional.clear();
    if (state === "failed") this.#status.notice("The answer could not be finished. Please ask again.");
  }

  #leftAlone(frame) {
    this.#status.alone();
    this.#away.show(frame);
    this.#log.toEnd();
  }

  #state(state, agent = "") {
    this.#status.conversation(state, agent);
    this.#provisional.agent = agent;
    if (state !== "waiting") this.#away.hide();
    this.#composer.hidden = state === "closed";
    this.#connection.resumes = state !== "closed";
    if (state === "agent" || state === "closed") this.#provisional.clear();
  }

  #error({ code, text, retry_after: seconds = null, id }) {
    if (code === "unauthorized" || code === "expired") return; // a new session follows
    if (code === "unknown_frame") return; // an older server, during an upgrade
    if (code === "invalid_email") return this.#away.refused(text);
    const passing = !id || seconds !== null; // shown above the composer for a while
    if (this.#requests.refuse(id, text)) return;
    if (id) this.#delivery.refuse(id, passing ? "Not sent" : text);
    if (passing) this.#status.notice(text, seconds);
    if (code === "closed") this.#state("closed");
    // The conversation is full: once it is closed, the customer can start a new one.
    if (code === "full") this.#connection.send({ type: "close" });
  }

  #reset() {
    this.#history = new History();
    this.#assured.clear();
    this.#conversation = null;
    this.#provisional.clear();
    this.#status.notice("");
    this.#attention.reset();
    this.#log.clear();
    this.#away.hide();
    this.#requests.clear();
    this.#ended.reset();
  }
}
