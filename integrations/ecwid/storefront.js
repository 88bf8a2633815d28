/**
 * What an Ecwid store's pages know, wherever it is put: the cart as it changes, what its shipping costs in the checkout,
 * and what the shopper has answered to Ecwid's own question. An extra field of the order brings back whose cart it is.
 *
 * Carts have no currency here: amounts are in the shop's own. https://docs.ecwid.com/storefronts
 */

import { adapt, shopbell, signalled } from "../../snippet/src/adapters/adapter.js";

const FIELD = "shopbell_visitor";
/** Ecwid's own script comes when the site lets it: it is looked for so often, and then no more. */
const LOOKS = 240;
const PAUSE_MS = 250;
/** What its question can be answered with; nothing, as long as it was not. */
const AGREED = /^(ACCEPTED|ANALYTICS_ONLY)$/;
const REFUSED = /^(DECLINED|PERSONALIZATION_ONLY)$/;

/** This script's own tag, or the one that a tag manager made a copy of. */
const tag = document.currentScript || document.querySelector("script[data-shopbell-consent]");
const ecwid = () => /** @type {any} */ (window).Ecwid;

/** Where Ecwid reads what an order is to carry. */
function extraFields() {
  const world = /** @type {any} */ (window);
  const order = ((world.ec ||= {}).order ||= {});
  return (order.extraFields ||= {});
}

/** `Kleur: Blauw / Maat: L`, as our carts from the API have it, too. @param {Record<string, unknown>} [options] */
const variantOf = (options) => Object.entries(options || {}).map((option) => option.join(": ")).join(" / ") || undefined;

/** The same, back again: a value may hold one mark or the other. @param {string} [variant] @returns {Record<string, string> | undefined} */
const optionsOf = (variant) =>
  variant ? Object.fromEntries(variant.split(/ \/ (?=[^/]*: )/).map((option) => option.split(/: (.*)/s, 2))) : undefined;

/** Of several ticked boxes Ecwid tells one text, and wants a list. @param {Record<string, string>} options */
const listed = (options) =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [name, value.includes(",") ? value.split(/, */) : value]));

/** @param {any} item */
const line = ({ quantity, product, options }) => ({
  product_id: String(product.id),
  sku: product.sku || undefined,
  name: product.name,
  variant: variantOf(options),
  quantity,
  price: product.price,
  url: product.url,
});

/** Whether a page of the checkout is shown, as Ecwid has told last. */
let atCheckout = false;
/** What was told of the checkout on this page. */
let told = "";
/** What Ecwid calls the cart that was filled last. */
let filled = "";

/** @returns {Promise<any>} */
const cartNow = () => new Promise((resolve) => ecwid().Cart.get(resolve));

/** @param {string} cartId */
const refsOf = (cartId) => (cartId ? ["ecwid:cart:" + cartId] : undefined);

async function readCart() {
  const now = await cartNow();
  if (!now) return null; // after somebody has logged out
  const { items, cartId = "", shippingMethod, shippingPerson } = now;
  const lines = items.map(line);
  const cart = { id: cartId || undefined, lines };
  const refs = refsOf(cartId);
  if (items.length) filled = cartId;
  if (atCheckout && items.length) tellCheckout({ cart, refs }, shippingMethod, shippingPerson);
  const visitor = (extraFields()[FIELD] || {}).value;
  return { id: cartId, fingerprint: JSON.stringify([cartId, lines]), empty: !items.length, event: { cart, refs }, visitor };
}

/** The checkout began with this page; what its shipping costs is asked for when another way, or another place, was
 * chosen. @param {{ cart: object, refs?: string[] }} event @param {string | undefined} method @param {any} person */
function tellCheckout(event, method, person) {
  if (!told) shopbell("track", "checkout_started", event);
  const before = told;
  const { countryCode, postalCode } = person || {};
  const chosen = method && [method, countryCode, postalCode].join("|");
  told = chosen || told || "begun";
  if (!chosen || chosen == before) return;
  ecwid().Cart.calculateTotal((/** @type {any} */ order) => {
    // Null where Ecwid could not be reached: the next change asks again.
    if (!order) told = before || "begun";
    else shopbell("track", "shipping_shown", { refs: event.refs, shipping: { price: order.shipping, method } });
  });
}

/** The order ends the story here and now, however slow the API is. That one waits for its payment the API tells.
 * @param {any} order */
function thank({ vendorNumber, total, shipping, paymentStatus, items = [] }) {
  if (!vendorNumber) return; // another number than the one by which the API knows it
  const paid = paymentStatus == "PAID" || undefined;
  const order = { id: String(vendorNumber), cart_id: filled || undefined, total, shipping, paid, lines: items.map(line) };
  shopbell("track", "order_placed", { order, refs: refsOf(filled) });
}

/** @param {() => void} changed */
function watch(changed) {
  ecwid().OnCartChanged.add(changed);
  if (ecwid().OnOrderPlaced) ecwid().OnOrderPlaced.add(thank);
  ecwid().OnPageLoaded.add((/** @type {any} */ page) => {
    atCheckout = /^CHECKOUT_(?!RESULT)/.test(page.type);
    if (atCheckout) changed();
  });
}

/** @param {string} visitor */
async function claim(visitor) {
  const fields = extraFields();
  if (visitor) fields[FIELD] = { value: visitor, orderDetailsDisplaySection: "hidden" };
  else delete fields[FIELD];
  // On a checkout nothing is drawn anew: somebody may be typing there.
  if (ecwid().refreshConfig && !atCheckout) ecwid().refreshConfig();
}

/** Whether Ecwid has taken it. @param {object} item @returns {Promise<boolean>} */
const put = (item) => new Promise((callback) => ecwid().Cart.addProduct({ ...item, callback }));

/** Adds what is missing of the cart that was left, with its options. @param {any} cart */
async function merge({ lines }) {
  const { items } = (await cartNow()) || { items: [] };
  for (const { product_id, variant, quantity } of lines) {
    let missing = quantity;
    for (const { product, options, quantity: there } of items)
      if (String(product.id) == product_id && variantOf(options) == (variant || undefined)) missing -= there;
    const options = optionsOf(variant);
    const wanted = { id: Number(product_id), quantity: missing, options };
    if (product_id && missing > 0) (await put(wanted)) || (options && (await put({ ...wanted, options: listed(options) })));
  }
  ecwid().openPage("cart");
}

/** The shopper's word to Ecwid's question is their word to us. A shop that asks by itself leaves this out. */
function followConsent() {
  const say = (/** @type {string} */ answer) => {
    if (AGREED.test(answer)) shopbell("consent", { analytics: true });
    if (REFUSED.test(answer)) shopbell("consent", { analytics: false });
  };
  if (ecwid().OnConsentChanged) ecwid().OnConsentChanged.add(say);
  const { userResponse } = ecwid().getTrackingConsent();
  if (!AGREED.test(userResponse) || !signalled()) say(userResponse);
}

function begin() {
  adapt({ readCart, watch, claim, merge });
  if (tag && tag.getAttribute("data-shopbell-consent") == "ecwid") followConsent();
}

let looks = 0;
let begun = false;

/** Once, whether Ecwid calls back or was there already. */
function once() {
  if (!begun) begin();
  begun = true;
}

function waitForEcwid() {
  if (ecwid() && ecwid().OnAPILoaded) {
    ecwid().OnAPILoaded.add(once);
    if (ecwid().Cart) once();
  } else if (looks++ < LOOKS) setTimeout(waitForEcwid, PAUSE_MS);
}

waitForEcwid();
