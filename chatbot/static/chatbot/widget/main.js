// Starts the chat inside the iframe, and answers the host page and the header's buttons.

import { byId } from "../common/dom.js";
import { composes } from "../common/keys.js";
import { Chat } from "./chat.js";
import { Host } from "./connection/host.js";
import { Session } from "./connection/session.js";

const { inbox, sessionUrl } = document.body.dataset;
const host = new Host();
const chat = new Chat(inbox, new Session(inbox, sessionUrl, host), host);

host.on("open", ({ text }) => chat.open(text));
host.on("shut", () => chat.shut());
byId("handoff").addEventListener("click", () => chat.askForPerson());
byId("again").addEventListener("click", () => chat.startAnew());
byId("close").addEventListener("click", () => host.tell("close"));
byId("close").hidden = !host.embedded;
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !composes(event)) host.tell("close");
});

host.tell("ready");
chat.start();
