/** What the shop listens to, and the wall between our mistakes and the shop. */

/** @type {Record<string, Function[]>} */
const handlers = {};
/** Told as soon as somebody listens. @type {Record<string, () => void>} */
const pending = {};

/** @param {string} name @param {Function} fn */
export function on(name, fn) {
  (handlers[name] ||= []).push(fn);
  const tell = pending[name];
  delete pending[name];
  if (tell) tell();
}

/** @param {string} name */
export const heard = (name) => !!handlers[name];

/** @param {string} name @param {unknown[]} args */
export function fire(name, ...args) {
  for (const fn of handlers[name] || []) call(fn, args);
}

/** For what happens once and must be heard, however late the shop's own script comes. @param {string} name @param {() => void} tell */
export function whenHeard(name, tell) {
  if (heard(name)) tell();
  else pending[name] = tell;
}

/**
 * A handler is the shop's own code: its error is shown to the shop's developers and stops nothing of ours.
 * @param {Function} fn @param {unknown[]} args
 */
function call(fn, args) {
  try {
    fn(...args);
  } catch (error) {
    console.error(error);
  }
}

/** Runs our own code so that no exception of it ever reaches the shop. @template T @param {() => T} fn */
export function quietly(fn) {
  try {
    return fn();
  } catch (error) {
    fire("error", error);
    return undefined;
  }
}

/**
 * @param {EventTarget} target @param {string} names separated by spaces @param {(event: any) => void} fn
 * @param {AddEventListenerOptions} [options]
 */
export function listen(target, names, fn, options) {
  for (const name of names.split(" ")) target.addEventListener(name, (event) => quietly(() => fn(event)), options);
}
