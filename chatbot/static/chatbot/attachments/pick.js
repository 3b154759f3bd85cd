// How files come in: by the button, pasted into the field, or dropped.

/** area: where they may be dropped; it has the class "dropping" meanwhile. */
export function pick({ button, input, field, area }, onFiles) {
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    onFiles([...input.files]);
    input.value = ""; // the same file may be picked again
    field.focus();
  });
  field.addEventListener("paste", (event) => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    onFiles([...event.clipboardData.files]);
  });
  area.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault(); // or the browser opens the file in place of the page
    area.classList.toggle("dropping", !button.disabled);
  });
  area.addEventListener("dragleave", (event) => {
    if (!area.contains(event.relatedTarget)) area.classList.remove("dropping");
  });
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("dropping");
    if (!button.disabled) onFiles([...event.dataTransfer.files]);
  });
}
