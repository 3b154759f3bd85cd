// Keys that belong to an input method, which composes Japanese, Chinese or Korean from several.

/** Safari ends the composition before the key that ended it: only its code is left to say so. */
const OF_THE_INPUT_METHOD = 229;

export function composes(event) {
  return event.isComposing || event.keyCode === OF_THE_INPUT_METHOD;
}

/** Enter sends, Shift+Enter makes a new line. */
export function sends(event) {
  return event.key === "Enter" && !event.shiftKey && !composes(event);
}
