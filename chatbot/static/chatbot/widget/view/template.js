// Elements made from the page's <template>s; their parts are found by name.

export function stamp(template) {
  return document.getElementById(template).content.firstElementChild.cloneNode(true);
}

export function part(element, name) {
  return element.querySelector(`[data-part="${name}"]`);
}
