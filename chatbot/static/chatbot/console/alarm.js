// Tells the agent of a new alert: the tab's title, a badge, and, where they want it, a notification
// of the browser and a sound.

import { byId } from "./draw.js";

const TITLE = document.title;
const NOTES = [660, 880];
const NOTE_LASTS = 0.18;

export class Alarm {
  #alerted = null; // ids; not known before the server has said hello
  #audio = null;
  onOpen = () => {};

  constructor() {
    for (const name of ["notify", "sound"]) {
      const box = byId(name);
      box.checked = localStorage.getItem(`attune.${name}`) === "on";
      box.addEventListener("change", () => this.#switched(name, box));
    }
  }

  /** Alerts as they stand when the page is opened call nobody again; those that came while the
   *  connection was away do. */
  know(ids) {
    const missed = this.#alerted && ids.some((id) => !this.#alerted.has(id));
    this.#alerted = new Set(ids);
    this.#show();
    if (missed && byId("sound").checked) this.#ring();
  }

  hear(row) {
    if (!this.#alerted) return; // The hello that is under way knows of it.
    const isNew = row.alerted && !this.#alerted.has(row.id);
    this.#mark(row);
    this.#show();
    if (!isNew) return;
    if (byId("sound").checked) this.#ring();
    if (byId("notify").checked) this.#notify(row);
  }

  #mark({ id, alerted }) {
    if (alerted) this.#alerted.add(id);
    else this.#alerted.delete(id);
  }

  #show() {
    const count = this.#alerted.size;
    document.title = count ? `(${count}) ${TITLE}` : TITLE;
    navigator.setAppBadge?.(count).catch(() => {});
  }

  async #switched(name, box) {
    if (name === "notify" && box.checked && Notification.permission !== "granted")
      box.checked = (await Notification.requestPermission()) === "granted";
    localStorage.setItem(`attune.${name}`, box.checked ? "on" : "off");
    // A sound may start only after the agent has done something on the page: so once now.
    if (name === "sound" && box.checked) this.#ring();
  }

  #notify(row) {
    if (!("Notification" in window) || Notification.permission !== "granted") return;
    const shown = new Notification(row.who, { body: row.why, tag: row.id });
    shown.onclick = () => {
      window.focus();
      this.onOpen(row.id);
      shown.close();
    };
  }

  #ring() {
    this.#audio ??= new AudioContext();
    const now = this.#audio.currentTime;
    NOTES.forEach((pitch, place) => {
      const [tone, volume] = [this.#audio.createOscillator(), this.#audio.createGain()];
      const begins = now + place * NOTE_LASTS;
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.08, begins);
      volume.gain.exponentialRampToValueAtTime(0.001, begins + NOTE_LASTS);
      tone.connect(volume).connect(this.#audio.destination);
      tone.start(begins);
      tone.stop(begins + NOTE_LASTS);
    });
  }
}
