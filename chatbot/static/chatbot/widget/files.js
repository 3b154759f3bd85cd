// The customer's files: picked, uploaded with the session's token, and shown in messages.

import { pick } from "../attach/pick.js";
import { shown } from "../attach/shown.js";
import { Tray } from "../attach/tray.js";
import { Refused, upload } from "../attach/upload.js";

const UPLOADS = "/api/attachments/";
const UNAUTHORIZED = 401;

export class Files {
  #session;
  #key;
  tray;

  // Set by the owner.
  onChange = () => {};
  onTrouble = (_text) => {};

  constructor(inbox, session) {
    this.#session = session;
    this.#key = `attune:${inbox}:attaching`;
    const { attachmentBytes, attachmentCount } = document.body.dataset;
    const [list, said, button, input, field] = ["tray", "tray-said", "attach", "file", "field"].map(
      (id) => document.getElementById(id),
    );
    this.tray = new Tray({
      list,
      said,
      most: { bytes: Number(attachmentBytes), count: Number(attachmentCount) },
      send: (file, progress) => this.#send(file, progress),
    });
    this.tray.onChange = () => this.#changed();
    this.tray.onTrouble = (text) => this.onTrouble(text);
    pick({ button, input, field, area: document.body }, (files) => this.tray.add(files));
  }

  /** A browser gives a file to the page that picked it, not to the next one: say what is gone. */
  lost() {
    const names = JSON.parse(sessionStorage.getItem(this.#key) ?? "[]");
    sessionStorage.removeItem(this.#key);
    const were = names.length === 1 ? "was" : "were";
    if (names.length) this.onTrouble(`${names.join(", ")} ${were} not sent yet. Please attach again.`);
  }

  shown(file) {
    return shown(file, (id) => this.#renewed(id));
  }

  async #send(file, progress) {
    try {
      return await upload(UPLOADS, await this.#headers(), file, progress);
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== UNAUTHORIZED) throw error;
      this.#session.drop(); // it has ended meanwhile
      return upload(UPLOADS, await this.#headers(), file, progress);
    }
  }

  async #renewed(id) {
    const answer = await fetch(`${UPLOADS}${id}/`, { headers: await this.#headers(), credentials: "omit" });
    if (!answer.ok) throw new Error("This file is no longer there.");
    return answer.json();
  }

  async #headers() {
    const { token } = await this.#session.open();
    return { Authorization: `Bearer ${token}` };
  }

  #changed() {
    if (this.tray.empty) sessionStorage.removeItem(this.#key);
    else sessionStorage.setItem(this.#key, JSON.stringify(this.tray.names));
    this.onChange();
  }
}
