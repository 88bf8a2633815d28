/** Who this is: browser (visitor), visit (session), tab, and the number of the event in the tab. */

import { config } from "./config.js";
import { attempt, kept, leaveNote, read, takeNote, write } from "./storage.js";

const GAP_MS = 30 * 60_000;
const YEAR_S = 31_536_000;
const COOKIE = "shopbell_visitor";

/** `randomUUID` exists on secure pages only; the long way is version 4 as well. */
export const uuid = () =>
  (crypto.randomUUID && crypto.randomUUID()) ||
  "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
    (+digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (+digit / 4)))).toString(16),
  );

/** @type {string | null | undefined} */
let visitorId;

/** @param {string} value @param {number} age in seconds */
const setCookie = (value, age) =>
  attempt(() => {
    document.cookie =
      `${COOKIE}=${value};path=/;max-age=${age};samesite=lax` +
      (config.cookieDomain ? ";domain=" + config.cookieDomain : "") +
      (location.protocol == "https:" ? ";secure" : "");
  });

const readCookie = () => attempt(() => (document.cookie.match(COOKIE + "=([0-9a-f-]{36})") || [])[1]);

/** The cookie goes first: it is the one the shop's subdomains share. */
export function visitor() {
  if (!visitorId) {
    visitorId = readCookie() || read("v") || uuid();
    write("v", visitorId);
    if (kept()) setCookie(visitorId, YEAR_S);
  }
  return visitorId;
}

export function forgetVisitor() {
  visitorId = null;
  setCookie("", 0);
}

/** The visit; a gap of half an hour starts a new one. */
export function session() {
  const now = Date.now();
  const [known, last] = (read("s") || "").split("|");
  const id = known && Math.abs(now - +last) < GAP_MS ? known : uuid();
  write("s", id + "|" + now);
  return id;
}

/** @type {string} */
export let tab;
/** @type {number} */
let seq;

export const nextSeq = () => ++seq;

export const lastSeq = () => seq;

/** Goes on with the tab of the page before, if that page was in this tab. */
export function openTab() {
  const [id, last] = (takeNote() || "").split("|");
  tab = id || uuid();
  seq = +last || 0;
}

export const closeTab = () => leaveNote(tab + "|" + seq);
