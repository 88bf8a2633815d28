/**
 * Engaged time: the page is visible, has the focus, and somebody moved, scrolled, typed or touched in the last
 * 30 seconds. Measured on the monotonic clock, so that a corrected wall clock changes nothing.
 */

import { listen } from "./handlers.js";

const IDLE_MS = 30_000;

const now = () => performance.now();
let active = 0;
let pageStart = 0;

export const isVisible = () => document.visibilityState == "visible";

/** @param {(at: number) => number} limit the latest moment that counts; the clock is read once for each question */
function stopwatch(limit) {
  let sum = 0;
  /** @type {number | null} */
  let since = null;
  const total = () => sum + (since === null ? 0 : Math.max(0, limit(now()) - since));
  return {
    total,
    /** Still counting at this moment? */
    runs: (at = now()) => since !== null && limit(at) >= at,
    /** @param {boolean} on */
    turn: (on) => {
      sum = total();
      since = on ? now() : null;
    },
  };
}

const engaged = stopwatch((at) => Math.min(at, active + IDLE_MS));
const visible = stopwatch((at) => at);

export const engagedTotal = () => Math.floor(engaged.total());

/** Engaged milliseconds on the page so far. */
export const engagedMs = () => engagedTotal() - pageStart;

export const startPage = () => {
  touch(); // coming here is a sign of life
  pageStart = engagedTotal();
};

export const pageStartedAt = () => pageStart;

/** @type {number | null} */
let goal = null;
let clock = visible;
/** @type {() => void} */
let reached;
/** @type {ReturnType<typeof setTimeout>} */
let timer;

/**
 * Calls `fn` once the clock has gone on for `ms`; a new call replaces the one before, null takes it away.
 * @param {number | null} ms @param {boolean} onlyEngaged @param {() => void} fn
 * @param {number} [from] reading of the engaged clock to count from, unless from now
 */
export function countDown(ms, onlyEngaged, fn, from) {
  clock = onlyEngaged ? engaged : visible;
  goal = ms === null ? null : ms + ((onlyEngaged ? from : null) ?? Math.floor(clock.total()));
  reached = fn;
  arm();
}

function arm() {
  clearTimeout(timer);
  // A clock that stands still sets no timer: what starts it again arms it again.
  if (goal === null || !clock.runs()) return;
  const left = goal - clock.total();
  if (left > 0) {
    timer = setTimeout(arm, left);
  } else {
    goal = null;
    reached();
  }
}

/** Somebody looked up, away, or back. */
function look() {
  engaged.turn(isVisible() && document.hasFocus());
  visible.turn(isVisible());
  arm();
}

/** Somebody is there. */
function touch() {
  const slept = now() - active >= IDLE_MS;
  if (slept) engaged.turn(isVisible() && document.hasFocus());
  active = now();
  if (slept) arm();
}

/** The page goes away; bfcache may bring it back. */
export function pause() {
  engaged.turn(false);
  visible.turn(false);
}

export function startEngaged() {
  active = now();
  look();
  const quiet = { capture: true, passive: true };
  listen(window, "pointerdown pointermove keydown wheel scroll touchstart", touch, quiet);
  listen(window, "focus pageshow", look);
  listen(document, "visibilitychange", look);
  // A click into a frame takes the focus from the window, not from the page: the page knows a moment later.
  listen(window, "blur", () => {
    look();
    setTimeout(look);
  });
}
