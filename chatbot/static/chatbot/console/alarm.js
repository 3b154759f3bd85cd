// Tells the agent of a new alert: by the tab's title and a badge, and by a browser notification and
// a sound where the agent has switched them on.

import { byId } from "../common/dom.js";

const TITLE = document.title;
const NOTES = [660, 880]; // hertz
const NOTE_LASTS = 0.18; // seconds

export class Alarm {
  #alerted = null; // ids of conversations; null until the server has said hello
  #audio = null;

  // Set by the owner.
  onOpen = (_id) => {};

  constructor() {
    for (const name of ["notify", "sound"]) {
      const box = byId(name);
      box.checked = localStorage.getItem(`attune.${name}`) === "on";
      box.addEventListener("change", () => this.#switched(name, box));
    }
  }

  /** Alerts that stand when the page is opened make no sound; those that came while the connection
   * was lost do. */
  know(ids) {
    const missed = this.#alerted && ids.some((id) => !this.#alerted.has(id));
    this.#alerted = new Set(ids);
    this.#show();
    if (missed && byId("sound").checked) this.#ring();
  }

  hear(row) {
    if (!this.#alerted) return; // the hello that is on its way will bring this one too
    const isNew = row.alerted && !this.#alerted.has(row.id);
    if (row.alerted) this.#alerted.add(row.id);
    else this.#alerted.delete(row.id);
    this.#show();
    if (!isNew) return;
    if (byId("sound").checked) this.#ring();
    if (byId("notify").checked) this.#notify(row);
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
    // Browsers allow sound only after the user has acted on the page: this click unlocks it.
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
