// Tells keys for the page from keys for an input method, which composes Japanese, Chinese or Korean
// text from several keys.

/** Safari ends the composition before it reports the key that ended it: only this code tells. */
const OF_THE_INPUT_METHOD = 229;

export function composes(event) {
  return event.isComposing || event.keyCode === OF_THE_INPUT_METHOD;
}

/** Enter sends, Shift+Enter makes a new line. */
export function sends(event) {
  return event.key === "Enter" && !event.shiftKey && !composes(event);
}
