import { composes } from "../common/keys.js";
import { Chat } from "./chat.js";
import { Host } from "./connection/host.js";
import { Session } from "./connection/session.js";

const { inbox, sessionUrl } = document.body.dataset;
const host = new Host();
const chat = new Chat(inbox, new Session(inbox, sessionUrl, host), host);

function on(id, act) {
  document.getElementById(id).addEventListener("click", act);
}

host.on("open", ({ text }) => chat.open(text));
host.on("shut", () => chat.shut());
on("handoff", () => chat.askForPerson());
on("again", () => chat.startAnew());
on("close", () => host.tell("close"));
document.getElementById("close").hidden = !host.embedded;
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !composes(event)) host.tell("close");
});

host.tell("ready");
chat.start();
