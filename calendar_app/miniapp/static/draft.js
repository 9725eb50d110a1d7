// What was typed and not saved yet, so that leaving a form, a reload or a dead server loses nothing.
// Kept for this tab only (sessionStorage), in memory where storage is refused.

const memory = new Map();

/** The draft under this name, or null. */
export function read(name) {
  try {
    return JSON.parse(sessionStorage.getItem(`draft:${name}`)) ?? memory.get(name) ?? null;
  } catch {
    return memory.get(name) ?? null;
  }
}

export function write(name, draft) {
  memory.set(name, draft);
  try {
    sessionStorage.setItem(`draft:${name}`, JSON.stringify(draft));
  } catch {
    // Memory has it.
  }
}

export function drop(name) {
  memory.delete(name);
  try {
    sessionStorage.removeItem(`draft:${name}`);
  } catch {
    // It was never there.
  }
}
