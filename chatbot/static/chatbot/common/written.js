// A text counts as written when something in it can be seen; the server judges by the same rule
// (`blank` in inference). White space, zero-width and direction characters, tags, fillers and marks
// show nothing by themselves.

const SEEN =
  /[^\p{Z}\p{Cc}\p{Cf}\p{M}\p{Default_Ignorable_Code_Point}\u2800\ufffc\u{13441}\u{13442}\u{1d159}]/u;

/** The text without white space around it, or "" where nothing in it can be seen. */
export function written(text) {
  return SEEN.test(text) ? text.trim() : "";
}
