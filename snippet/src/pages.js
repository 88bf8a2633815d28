/** Which page this is, and when it becomes another: loads, single-page navigation, bfcache, looking away and back. */

import { language } from "./config.js";
import { isVisible, pause, startPage } from "./engaged.js";
import { emit } from "./events.js";
import { listen, quietly } from "./handlers.js";
import { closeTab, lastSeq, openTab } from "./ids.js";
import { leave, stay } from "./transport.js";

const SETTLE_MS = 100;

/** @type {string} */
let path;
/** @type {string} */
let here;
let referrer = document.referrer;
/** What the shop says about the page. @type {Record<string, unknown>} */
let declared = {};
/** A view waits a moment for the page's title and for `shopbell('page', …)`. @type {{at: string} | null} */
let staged = null;
let firstSeq = 0;
let hidden = false;
let gone = false;

/** The number of the first event of this view: later ones count their engaged time from here. */
export const pageSeq = () => firstSeq;

/** Fragments stay in the browser: some carry secrets. */
const address = () => location.href.split("#")[0].slice(0, 2000);

export const describePage = () => ({
  url: here,
  title: document.title || undefined,
  referrer: referrer || undefined,
  language: language() || undefined,
  ...declared,
});

/** @param {Record<string, unknown>} fields */
export function declare(fields) {
  Object.assign(declared, fields);
  // The view has left without them: the rules should know before the shopper's next step.
  if (path && !staged) emit("checked_in");
}

function view() {
  releaseView();
  path = location.pathname;
  here = address();
  startPage();
  firstSeq = lastSeq() + 1;
  staged = { at: new Date().toISOString() };
  if (document.readyState == "loading") listen(document, "DOMContentLoaded", releaseView);
  else setTimeout(() => quietly(releaseView), SETTLE_MS);
}

export function releaseView() {
  const waiting = staged;
  staged = null;
  if (waiting) emit("page_viewed", waiting);
}

/** The address changed: a page of its own if the path did. */
function moved() {
  if (location.pathname == path) {
    here = address();
    return;
  }
  releaseView();
  referrer = here;
  declared = {};
  view();
}

/** The shop's router gets from the browser exactly what it got before. @param {"pushState" | "replaceState"} name */
function follow(name) {
  const original = history[name];
  history[name] = function () {
    // @ts-ignore the arguments pass as they come
    const result = original.apply(this, arguments);
    quietly(moved);
    return result;
  };
}

function hide() {
  if (!hidden) emit("page_hidden");
  hidden = true;
  leave();
}

export function startPages() {
  hidden = !isVisible();
  view();
  quietly(() => follow("pushState"));
  quietly(() => follow("replaceState"));
  listen(window, "popstate", moved);
  listen(document, "visibilitychange", () => {
    if (!isVisible()) return hide();
    // After bfcache the page is viewed anew, see pageshow.
    if (hidden && !gone) {
      hidden = false;
      emit("page_shown");
      stay();
    }
  });
  // Never `unload` or `beforeunload`: they cost the shop its back/forward cache.
  listen(window, "pagehide", () => {
    hide();
    gone = true;
    pause();
    closeTab();
  });
  listen(window, "pageshow", (event) => {
    if (!event.persisted) return;
    gone = hidden = false;
    openTab();
    view();
    stay();
  });
}
