/**
 * Everything we keep, under one prefix in localStorage. Before consent, and where the browser refuses
 * (private mode, quota, policy), it lives in memory and ends with the page.
 */

const PREFIX = "shopbell:";
/** @type {Map<string, string>} */
const memory = new Map();
let lasting = false;

/** Whether the browser may keep what is written from now on. @param {boolean} yes */
export const keep = (yes) => {
  lasting = yes;
};

export const kept = () => lasting;

/** Storage may be forbidden altogether: then even looking at it throws. @template T @param {() => T} fn */
export const attempt = (fn) => {
  try {
    return fn();
  } catch {
    return null;
  }
};

/** @param {string} key @returns {string | null} */
export const read = (key) => memory.get(PREFIX + key) ?? attempt(() => localStorage.getItem(PREFIX + key));

/** @param {string} key @param {string} value */
export function write(key, value) {
  memory.set(PREFIX + key, value);
  if (lasting) {
    attempt(() => {
      localStorage.setItem(PREFIX + key, value);
      memory.delete(PREFIX + key);
    });
  }
}

/** @param {string} key */
export function remove(key) {
  memory.delete(PREFIX + key);
  attempt(() => localStorage.removeItem(PREFIX + key));
}

/** @param {string} start @returns {string[]} the keys that start so, in order */
export const keys = (start) =>
  [...memory.keys(), ...(attempt(() => Object.keys(localStorage)) || [])]
    .filter((key) => key.startsWith(PREFIX + start))
    .map((key) => key.slice(PREFIX.length))
    .sort();

/** Leaves nothing of ours behind. */
export function wipe() {
  keys("").forEach(remove);
  attempt(() => sessionStorage.removeItem(PREFIX));
}

/** The tab's own note to its next page. @param {string} value */
export const leaveNote = (value) => lasting && attempt(() => sessionStorage.setItem(PREFIX, value));

/** Read once: a duplicated tab must not find the note of the tab it was copied from. */
export const takeNote = () =>
  attempt(() => {
    const note = sessionStorage.getItem(PREFIX);
    if (note) sessionStorage.removeItem(PREFIX);
    return note;
  });

/** Told when another tab changes a key. @param {string} key @param {(value: string | null) => void} fn */
export const onOther = (key, fn) =>
  addEventListener("storage", (event) => {
    if (event.key === PREFIX + key) fn(event.newValue);
  });
