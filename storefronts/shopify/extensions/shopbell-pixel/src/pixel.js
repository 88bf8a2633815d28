/**
 * What a shopper does in the checkout, told to Shopbell from Shopify's sandbox: no page, no DOM, and of the browser
 * only what the pixel's API lends.
 *
 * Nothing is kept and nothing leaves before analytics is allowed. What is kept is kept until the server has answered.
 */

import { about } from "./trim.js";

const ATTRIBUTE = "_shopbell_visitor";
const COOKIE = "shopbell_visitor";
/** Under the prefix that the storefront script wipes when consent is withdrawn. */
const OUTBOX = "shopbell:pixel";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const YEAR_S = 31_536_000;
const KEPT_EVENTS = 50;
/** Browsers refuse keepalive bodies over 64 KiB, and so does the server. */
const BODY_CHARACTERS = 50_000;
/** Answers that sending once more cannot change. */
const HOPELESS = [400, 401, 403, 413, 415, 422];

export const EVENTS = /** @type {const} */ ([
  "cart_viewed",
  "checkout_started",
  "checkout_contact_info_submitted",
  "checkout_address_info_submitted",
  "checkout_shipping_info_submitted",
  "payment_info_submitted",
  "checkout_completed",
  "alert_displayed",
]);

/** @typedef {{ visitor: string, event: Record<string, unknown> }} Kept */
/** @typedef {import("@shopify/web-pixels-extension").ExtensionApi} Api */
/** @typedef {Pick<Api, "analytics" | "browser" | "init" | "customerPrivacy">} Sandbox */

/** @param {Sandbox} sandbox @param {{ server: string, key: string }} settings */
export function report({ analytics, browser, init, customerPrivacy }, { server, key }) {
  const url = server.trim().replace(/\/$/, "") + "/v1/events";
  let allowed = init.customerPrivacy.analyticsProcessingAllowed;
  /** What happened before anybody was asked. @type {any[]} */
  let early = [];

  /** One thing at a time: the storage is read, changed and written. @type {Promise<unknown>} */
  let turn = Promise.resolve();
  /** @param {() => Promise<unknown>} work */
  const inTurn = (work) => {
    turn = turn.then(work).catch((error) => console.debug("shopbell:", error));
  };

  /** @returns {Promise<Kept[]>} */
  async function outbox() {
    try {
      return JSON.parse((await browser.localStorage.getItem(OUTBOX)) || "[]");
    } catch {
      return []; // somebody else has written there
    }
  }

  /** @param {Kept[]} kept */
  const keep = (kept) =>
    kept.length
      ? browser.localStorage.setItem(OUTBOX, JSON.stringify(kept.slice(-KEPT_EVENTS)))
      : browser.localStorage.removeItem(OUTBOX);

  /** Whose it is: as the cart says, as the page's cookie says, or somebody new. @param {{key: string, value: string}[]} attributes */
  async function whose(attributes) {
    const named = attributes.find((attribute) => attribute.key == ATTRIBUTE);
    if (named && UUID.test(named.value)) return named.value;
    const known = await browser.cookie.get(COOKIE);
    if (UUID.test(known)) return known;
    const fresh = crypto.randomUUID();
    await browser.cookie.set(`${COOKIE}=${fresh};path=/;max-age=${YEAR_S};samesite=lax;secure`);
    return fresh;
  }

  /** @param {any} event */
  async function take({ id, name, timestamp, data }) {
    const { attributes, ...told } = about(data || {});
    const visitor = await whose(attributes);
    await keep([...(await outbox()), { visitor, event: { id, type: name, at: timestamp, data: told } }]);
    await send();
  }

  /** Sends what waits, one visitor's at a time, until nothing waits or nobody answers. */
  async function send() {
    for (;;) {
      const waiting = await outbox();
      const next = batch(waiting);
      if (!next.length || !(await post(next))) return;
      const sent = new Set(next.map(({ event }) => event.id));
      await keep((await outbox()).filter(({ event }) => !sent.has(event.id)));
    }
  }

  /** @param {Kept[]} next */
  async function post(next) {
    const events = next.map(({ event }) => event);
    const body = JSON.stringify({ key, visitor: next[0].visitor, sent_at: new Date().toISOString(), events });
    try {
      // A string goes as text/plain, which asks for no preflight; keepalive outlives the page.
      const { status } = await fetch(url, { method: "POST", body, keepalive: true });
      return status == 202 || HOPELESS.includes(status);
    } catch {
      return false; // no network: it waits for the next event, or the next page
    }
  }

  /** @param {any} event */
  function happened(event) {
    if (allowed) inTurn(() => take(event));
    else if (early.length < KEPT_EVENTS) early.push(event);
  }

  /** @param {{ customerPrivacy: { analyticsProcessingAllowed: boolean } }} told */
  function asked({ customerPrivacy: said }) {
    allowed = said.analyticsProcessingAllowed;
    const waited = early.splice(0);
    if (allowed) waited.forEach(happened);
    else inTurn(() => browser.localStorage.removeItem(OUTBOX));
  }

  for (const name of EVENTS) analytics.subscribe(name, happened);
  customerPrivacy.subscribe("visitorConsentCollected", asked);
  if (allowed) inTurn(send);
}

/** The first visitor's events, as many as fit. @param {Kept[]} waiting */
function batch(waiting) {
  /** @type {Kept[]} */
  const taken = [];
  let size = 0;
  for (const kept of waiting) {
    size += JSON.stringify(kept.event).length;
    if (taken.length && (size > BODY_CHARACTERS || kept.visitor != taken[0].visitor)) break;
    taken.push(kept);
  }
  return taken;
}
