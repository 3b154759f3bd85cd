// Three ways to add a file: the button, pasting into the field, dropping.

/** area: the element that files may be dropped on; it has the class "dropping" meanwhile. */
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
    event.preventDefault(); // or the browser leaves the page and opens the file
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
