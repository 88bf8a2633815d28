/**
 * Events on their way: an outbox in localStorage, emptied by `fetch` and, when the page goes, copied out by a beacon.
 *
 * An event leaves the outbox when the server has answered for it and never before: a beacon cannot report a 503.
 * What is sent twice for that reason carries the same id, and the server counts it once.
 * Every event has a key of its own, `o|tab|seq|time`: tabs that write at the same moment cannot overwrite each other.
 * Its value is whose it is, as the body says it, and on a second line the event.
 */

import { config, server } from "./config.js";
import { fire, heard, quietly } from "./handlers.js";
import { tab } from "./ids.js";
import { attempt, keys, read, remove, write } from "./storage.js";

/** Browsers refuse keepalive bodies over 64 KiB, all those on their way together. */
const BODY_BYTES = 60_000;
const BATCH_EVENTS = 50;
const KEPT_EVENTS = 500;
/** Another tab's events are left to that tab, unless it has had its chance. */
const ORPHAN_MS = 10_000;
const GATHER_MS = 50;
const PATIENCE_MS = 30_000;
const LONGEST_MS = 600_000;
/** Answers that sending once more cannot change. */
const HOPELESS = [400, 401, 403, 413, 415, 422];

/** What is on its way or was copied out: no beacon needs to carry it. @type {Set<string>} */
let copied = new Set();
let flyingBytes = 0;
let failures = 0;
let busy = false;
/** How far the server's clock is ahead of ours, where its `Date` header may be read. */
export let skew = 0;

/** @type {(answer: Answer, events: ShopEvent[]) => void} */
let answered;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let timerAt = 0;

/** @param {number} ms */
function schedule(ms) {
  const at = performance.now() + ms;
  if (timer && timerAt <= at) return;
  clearTimeout(timer);
  timerAt = at;
  timer = setTimeout(() => {
    timer = undefined;
    flush();
  }, ms);
}

const bytes = (/** @type {string} */ text) => new Blob([text]).size;

const own = () => "o|" + tab;

/** @param {ShopEvent} event @param {string} session @param {string} visitor */
export function put(event, session, visitor) {
  const json = JSON.stringify(event);
  if (bytes(json) > BODY_BYTES - 1000) return fire("error", { code: "too_large", event });
  const old = keys("o|");
  if (old.length >= KEPT_EVENTS) {
    remove(old[0]);
    fire("error", { code: "outbox_full" });
  }
  const owner = JSON.stringify({ key: config.key, visitor, session, tab }).slice(0, -1);
  write([own(), String(event.seq).padStart(7, "0"), Date.now()].join("|"), owner + "\n" + json);
  schedule(GATHER_MS);
}

/** What waits: this tab's in order, then what other tabs left behind. */
function waiting() {
  const all = keys("o|");
  const mine = all.filter((key) => key.startsWith(own()));
  const others = all.filter((key) => !key.startsWith(own()));
  const orphans = others.filter((key) => Math.abs(Date.now() - +key.split("|")[3]) > ORPHAN_MS);
  if (orphans.length < others.length) schedule(ORPHAN_MS);
  return [...mine, ...orphans];
}

/** One body: the first events of one owner, as many as fit. @param {string[]} from @param {number} room in bytes */
function batch(from, room) {
  let whose = "";
  /** @type {string[]} */
  const taken = [];
  /** @type {string[]} */
  const events = [];
  let size = 100;
  for (const key of from) {
    const [owner, json] = (read(key) || "").split("\n");
    if (!json) continue; // another tab has delivered it meanwhile
    whose ||= owner;
    size += bytes(json) + 1;
    if (owner != whose || size + whose.length > room || taken.length >= BATCH_EVENTS) break;
    taken.push(key);
    events.push(json);
  }
  const body = `${whose},"sent_at":"${new Date().toISOString()}","events":[${events}]}`;
  return { keys: taken, body, size };
}

const url = () => server("/v1/events");

/** @param {string} body */
const tell = (body) => heard("sent") && fire("sent", JSON.parse(body));

/** One tab at a time, where tabs can agree; a sandboxed frame has locks but refuses them. @template T @param {string} name @param {() => T} work */
export const exclusively = (name, work) => (navigator.locks ? navigator.locks.request(name, work).catch(work) : work());

/** Sends what waits, one tab at a time. */
export async function flush() {
  if (busy) return;
  busy = true;
  try {
    await exclusively("shopbell", drain);
  } catch (error) {
    busy = false;
    fire("error", error);
  }
}

/** Until nothing waits or the server wants rest; what comes in meanwhile goes along. */
async function drain() {
  for (;;) {
    const pause = +(read("r") || 0) - Date.now();
    const rest = pause > 0 && pause <= LONGEST_MS;
    const next = batch(rest ? [] : waiting(), BODY_BYTES);
    if (!next.keys.length || !(await post(next))) {
      busy = false; // before the lock is given back: nothing that comes now waits for a flush that is over
      if (rest) schedule(pause);
      return;
    }
  }
}

/** @param {ReturnType<typeof batch>} batch @returns {Promise<boolean>} whether to go on with the next */
async function post({ keys: sent, body, size }) {
  /** @type {Response | undefined} */
  let response;
  /** @type {Answer} */
  let answer = {};
  sent.forEach((key) => copied.add(key));
  flyingBytes = size;
  tell(body);
  try {
    // A string goes as text/plain: no preflight. Keepalive is for leaving the page; a second try has time.
    response = await fetch(url(), {
      method: "POST",
      body,
      credentials: "include",
      keepalive: !failures,
      signal: AbortSignal.timeout && AbortSignal.timeout(PATIENCE_MS),
    });
    if (response.status == 202) answer = await response.json();
  } catch {
    // no network, or an answer cut short: the status, if any, says what to do
  }
  sent.forEach((key) => copied.delete(key));
  flyingBytes = 0;
  const status = response ? response.status : 0;
  const hopeless = HOPELESS.includes(status);
  if (!response || (status != 202 && !hopeless)) {
    backOff(response);
    return false;
  }
  failures = 0;
  sent.forEach(remove);
  if (hopeless) {
    fire("error", { code: "refused", status, body });
  } else {
    skew = Date.parse(response.headers.get("date") || "") - Date.now() || 0;
    fire("answer", answer);
    quietly(() => answered(answer, sent[0].startsWith(own()) ? JSON.parse(body).events : []));
  }
  return true;
}

/** Doubling from one second, or as long as the server asks; spread, so that browsers do not come back together. */
function backOff(/** @type {Response | undefined} */ response) {
  const asked = +((response && response.headers.get("retry-after")) || 0) * 1000;
  const wait = Math.min((asked || 1000 * 2 ** Math.min(failures++, 8)) * (1 + Math.random() / 4), LONGEST_MS);
  // Kept for the next page and the other tabs too: a server that asks for rest means all of them.
  if (asked) write("r", String(Math.round(Date.now() + wait)));
  schedule(wait);
}

/** The page may be gone the next moment: copies out what fits, and keeps it until somebody has answered. */
export function leave() {
  let room = BODY_BYTES - flyingBytes;
  for (;;) {
    const { keys: sent, body, size } = batch(waiting().filter((key) => !copied.has(key)), room);
    if (!sent.length || !attempt(() => navigator.sendBeacon(url(), body))) return;
    tell(body);
    sent.forEach((key) => copied.add(key));
    room -= size;
  }
}

/** The page is there after all: what was only copied is sent again, to be answered. */
export function stay() {
  copied = new Set();
  if (keys("o|").length) schedule(GATHER_MS);
}

/** @param {typeof answered} fn */
export function startTransport(fn) {
  answered = fn;
  addEventListener("online", flush);
  stay();
}
