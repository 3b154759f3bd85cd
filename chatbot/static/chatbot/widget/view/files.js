// The customer's files: picked, uploaded with the session's token, shown in messages.

import { pick } from "../../attachments/pick.js";
import { shown } from "../../attachments/shown.js";
import { Tray } from "../../attachments/tray.js";
import { FileRefused, upload } from "../../attachments/upload.js";
import { byId } from "../../common/dom.js";
import { notedInTab, noteInTab } from "../connection/storage.js";

const UPLOADS = "/api/attachments/";
const UNAUTHORIZED = 401;
const LOST_LASTS = 30; // seconds

export class Files {
  #session;
  #key;
  #lost; // names of files that were picked before this page was loaded, and not sent
  tray;

  // Set by the owner.
  onChange = () => {};
  onTrouble = (_text, _seconds) => {};

  constructor(inbox, session) {
    this.#session = session;
    this.#key = `attune:${inbox}:attaching`;
    this.#lost = JSON.parse(notedInTab(this.#key) ?? "[]");
    noteInTab(this.#key, null);
    const { attachmentBytes, attachmentCount } = document.body.dataset;
    const ids = ["tray", "tray-said", "attach", "file", "field"];
    const [list, said, button, input, field] = ids.map(byId);
    this.tray = new Tray({
      list,
      said,
      most: { bytes: Number(attachmentBytes), count: Number(attachmentCount) },
      send: (file, progress) => this.#send(file, progress),
      // Where this fails, the server deletes the file after a day.
      forget: ({ id }) => this.#ask("DELETE", id).catch(() => {}),
    });
    this.tray.onChange = () => this.#changed();
    this.tray.onTrouble = (text) => this.onTrouble(text);
    pick({ button, input, field, area: document.body }, (files) => this.tray.add(files));
  }

  /** A browser gives a picked file to one page only, not to the page after a reload: tells once
   * which files are lost. */
  tellLost() {
    const names = this.#lost.splice(0);
    const [were, them] = names.length === 1 ? ["was", "it"] : ["were", "them"];
    const text = `${names.join(", ")} ${were} not sent yet. Please attach ${them} again.`;
    if (names.length) this.onTrouble(text, LOST_LASTS);
  }

  shown(file) {
    return shown(file, (id) => this.#renewed(id));
  }

  async #send(file, progress) {
    try {
      return await upload(UPLOADS, await this.#headers(), file, progress);
    } catch (error) {
      if (!(error instanceof FileRefused) || error.status !== UNAUTHORIZED) throw error;
      this.#session.drop(); // the session has expired
      return upload(UPLOADS, await this.#headers(), file, progress);
    }
  }

  async #renewed(id) {
    const answer = await this.#ask("GET", id);
    if (!answer.ok) throw new Error("This file no longer exists.");
    return answer.json();
  }

  async #ask(method, id) {
    const headers = await this.#headers();
    return fetch(`${UPLOADS}${id}/`, { method, headers, credentials: "omit" });
  }

  async #headers() {
    const { token } = await this.#session.open();
    return { Authorization: `Bearer ${token}` };
  }

  #changed() {
    noteInTab(this.#key, this.tray.empty ? null : JSON.stringify(this.tray.names));
    this.onChange();
  }
}
