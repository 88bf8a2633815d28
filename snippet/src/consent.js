/**
 * Nothing leaves the browser and nothing is kept in it before `analytics` was granted.
 *
 * The signals Global Privacy Control and Do Not Track count as a no to everything that was not said on this very
 * page: a default in the script tag and a grant remembered from earlier give way to them,
 * `shopbell('consent', {analytics: true})` does not.
 */

import { config } from "./config.js";
import { emit } from "./events.js";
import { forgetVisitor, session, visitor } from "./ids.js";
import { keep, onOther, read, wipe, write } from "./storage.js";
import { put } from "./transport.js";

const EARLY_EVENTS = 100;

/** @type {Record<string, boolean>} */
let said = {};
/** @type {boolean | undefined} undefined: nobody has asked yet */
export let granted;
/** @type {ShopEvent[]} */
let early = [];
/** @type {() => void} */
let withdrawn;

/** Lets an event go, wait, or fall, as consent says. @param {ShopEvent} event */
export function admit(event) {
  if (granted) put(event, session(), visitor());
  else if (granted === undefined && early.length < EARLY_EVENTS) early.push(event);
}

function open() {
  keep(true);
  granted = true;
  early.splice(0).forEach(admit);
}

function close() {
  wipe();
  forgetVisitor();
  keep(false);
  granted = false;
  early = [];
  withdrawn();
}

/** @param {Record<string, unknown>} choice */
export function choose(choice) {
  for (const name in choice) if (typeof choice[name] == "boolean") said[name] = /** @type {boolean} */ (choice[name]);
  const state = JSON.stringify(said);
  if (said.analytics) {
    open();
    if (read("c") == state) return;
    write("c", state);
    emit("consent_changed", { consent: said });
  } else if (said.analytics === false) {
    withdraw();
  }
}

/** The last thing we say, from memory, under the name that is forgotten with it. */
function withdraw() {
  const last = granted && { session: session(), visitor: visitor() };
  close();
  if (last) emit("consent_changed", { consent: said }, (event) => put(event, last.session, last.visitor));
}

const signal = navigator.globalPrivacyControl || navigator.doNotTrack == "1";

/** Where nobody has spoken, the tag may: for a shop that needs no consent. */
export function presumeConsent() {
  if (!signal && granted === undefined && config.consent == "granted") choose({ analytics: true });
}

/** @param {typeof withdrawn} fn called when consent was taken back */
export function startConsent(fn) {
  withdrawn = fn;
  const earlier = !signal && read("c");
  if (earlier) {
    said = JSON.parse(earlier);
    open();
  }
  onOther("c", (value) => {
    said = value ? JSON.parse(value) : { ...said, analytics: false };
    value ? open() : close();
  });
}
