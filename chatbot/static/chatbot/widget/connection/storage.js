// localStorage where the browser allows it, memory where it does not (blocked, or full).

const memory = new Map();

function local() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

export function get(key) {
  return memory.get(key) ?? local()?.getItem(key) ?? null;
}

export function set(key, value) {
  try {
    window.localStorage.setItem(key, value);
    memory.delete(key);
  } catch {
    memory.set(key, value);
  }
}

export function remove(key) {
  memory.delete(key);
  local()?.removeItem(key);
}

/** All keys that start with `prefix`, in any order. */
export function keys(prefix) {
  const all = new Set([...memory.keys(), ...Object.keys(local() ?? {})]);
  return [...all].filter((key) => key.startsWith(prefix));
}

/** A note for this tab only; null removes it. Where the browser forbids storage, nothing is kept. */
export function noteInTab(key, value) {
  try {
    if (value === null) window.sessionStorage.removeItem(key);
    else window.sessionStorage.setItem(key, value);
  } catch {
    // The storage is blocked or full.
  }
}

export function notedInTab(key) {
  try {
    return window.sessionStorage.getItem(key);
  } catch {
    return null;
  }
}
