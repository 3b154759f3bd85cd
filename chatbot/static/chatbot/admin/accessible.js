// Django's own widgets: icons that have a name are images to a screen reader.

addEventListener("load", () => {
  for (const icon of document.querySelectorAll(".help-tooltip")) icon.setAttribute("role", "img");
});
