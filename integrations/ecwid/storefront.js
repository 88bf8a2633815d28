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

/** The same, back again. @param {string} [variant] */
const optionsOf = (variant) =>
  variant && Object.fromEntries(variant.split(" / ").map((option) => [option.split(": ")[0], option.split(": ").slice(1).join(": ")]));

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

/** @returns {Promise<any>} */
const cartNow = () => new Promise((resolve) => ecwid().Cart.get(resolve));

async function readCart() {
  const { items, cartId = "", shippingMethod } = await cartNow();
  const lines = items.map(line);
  const cart = { id: cartId || undefined, lines };
  const refs = cartId ? ["ecwid:cart:" + cartId] : undefined;
  if (atCheckout && items.length) tellCheckout({ cart, refs }, shippingMethod);
  const visitor = (extraFields()[FIELD] || {}).value;
  return { id: cartId, fingerprint: JSON.stringify([cartId, lines]), empty: !items.length, event: { cart, refs }, visitor };
}

/** The checkout began with this page; what its shipping costs is asked for when another way was chosen.
 * @param {{ cart: object, refs?: string[] }} event @param {string | undefined} method */
function tellCheckout(event, method) {
  if (!told) shopbell("track", "checkout_started", event);
  const before = told;
  told = method || told || "begun";
  if (!method || method == before) return;
  ecwid().Cart.calculateTotal((/** @type {any} */ order) => {
    // Null where Ecwid could not be reached: the next change asks again.
    if (!order) told = before || "begun";
    else shopbell("track", "shipping_shown", { refs: event.refs, shipping: { price: order.shipping, method } });
  });
}

/** @param {() => void} changed */
function watch(changed) {
  ecwid().OnCartChanged.add(changed);
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

/** Adds what is missing of the cart that was left, with its options. @param {any} cart */
async function merge({ lines }) {
  const { items } = await cartNow();
  for (const { product_id, variant, quantity } of lines) {
    let missing = quantity;
    for (const { product, options, quantity: there } of items)
      if (String(product.id) == product_id && variantOf(options) == (variant || undefined)) missing -= there;
    const wanted = { id: Number(product_id), quantity: missing, options: optionsOf(variant) };
    if (product_id && missing > 0) await new Promise((callback) => ecwid().Cart.addProduct({ ...wanted, callback }));
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
