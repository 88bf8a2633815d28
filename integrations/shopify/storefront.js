/**
 * What a Shopify theme's pages know: the cart, whose it is, and whether the shopper agreed to be followed.
 *
 * A cart's amounts go out as they are, in hundredths also where the currency has none: the server knows what they mean
 * (engine/vocabulary/shopify_cart.py). The cart gets the visitor's name as an attribute; orders bring it back.
 */

import { adapt, shopbell, signalled, watchRequests } from "../../snippet/src/adapters/adapter.js";

const ATTRIBUTE = "_shopbell_visitor";
/** What themes and apps ask when the cart becomes another, by `fetch` or otherwise. */
const CHANGES = /\/cart\/(add|change|update|clear)(\.js(on)?)?(\?|$)/;
/** Numbers that JavaScript would round. */
const LONG_ID = /"((?:variant_|product_)?id)":\s*(\d{16,})/g;

const shopify = () => /** @type {any} */ (window).Shopify || {};
const root = () => (shopify().routes || {}).root || "/";
/** This script's own tag, or the one that a tag manager made a copy of. */
const tag = document.currentScript || document.querySelector("script[data-shopbell-consent]");

/** @param {string} text */
const parse = (text) => JSON.parse(text.replace(LONG_ID, '"$1":"$2"'));

/** @param {string} path @param {object} [body] */
async function ask(path, body) {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  const response = await fetch(root() + path, body && { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw Error(path + ": " + response.status);
  return parse(await response.text());
}

/** Whether the cart is still what it was when the page was made. */
let unchanged = true;

/** The page itself says what was in the cart when it was made: one request less. */
function fromPage() {
  const element = document.querySelector("script[data-shopbell-cart]");
  const text = unchanged && element && element.textContent;
  return text ? parse(text) : null;
}

const line = (/** @type {any} */ item) => ({
  variant_id: item.variant_id,
  product_id: item.product_id,
  sku: item.sku,
  product_title: item.product_title,
  variant_title: item.variant_title,
  vendor: item.vendor,
  product_type: item.product_type,
  quantity: item.quantity,
  price: item.price,
  final_price: item.final_price,
  presentment_price: item.presentment_price,
  url: item.url && new URL(item.url, location.href).href,
  image: item.image && new URL(item.image, location.href).href,
});

async function readCart() {
  const cart = fromPage() || (await ask("cart.js"));
  const { token = "", currency, total_price, items_subtotal_price, total_discount, items, attributes } = cart;
  const codes = (cart.cart_level_discount_applications || []).filter((/** @type {any} */ it) => it.type == "discount_code");
  const cartJs = {
    token,
    currency: currency || (tag && tag.getAttribute("data-shopbell-currency")) || undefined,
    total_price,
    items_subtotal_price,
    total_discount,
    coupon: codes.length ? codes[0].title : undefined,
    items: items.map(line),
  };
  const id = token.split("?")[0];
  const goods = items.map((/** @type {any} */ item) => [item.variant_id, item.quantity, item.final_price]);
  return {
    id,
    fingerprint: JSON.stringify([id, cartJs.currency, total_price, goods]),
    empty: !items.length,
    event: { data: { cartJs } },
    visitor: (attributes || {})[ATTRIBUTE],
  };
}

/** @param {() => void} changed */
const watch = (changed) =>
  watchRequests(CHANGES)(() => {
    unchanged = false;
    changed();
  });

/** @param {string} visitor */
const claim = (visitor) => ask("cart/update.js", { attributes: { [ATTRIBUTE]: visitor } });

/** Adds what is missing of the cart that was left, and shows the shop's cart page. @param {any} cart */
async function merge({ lines }) {
  const { items } = await ask("cart.js");
  const missing = lines.map((/** @type {any} */ wanted) => {
    const id = new URL(wanted.url || "/", location.href).searchParams.get("variant");
    let { quantity } = wanted;
    for (const item of items) if (item.variant_id == id) quantity -= item.quantity;
    return { id, quantity };
  });
  const adding = missing.filter((/** @type {any} */ { id, quantity }) => id && quantity > 0);
  if (!adding.length) return;
  await ask("cart/add.js", { items: adding });
  location.assign(root() + "cart");
}

/** The shopper's word to Shopify's banner is their word to us. A shop that asks by itself leaves this out. */
function followConsent() {
  document.addEventListener("visitorConsentCollected", (/** @type {any} */ { detail }) =>
    shopbell("consent", { analytics: !!detail.analyticsAllowed, marketing: !!detail.marketingAllowed }),
  );
  const { loadFeatures } = shopify();
  if (loadFeatures) loadFeatures([{ name: "consent-tracking-api", version: "0.1" }], sayWhatWasSaid);
}

/** What holds on this page already. Who has not been asked yet has said nothing. @param {unknown} error */
function sayWhatWasSaid(error) {
  const { customerPrivacy } = shopify();
  if (error || !customerPrivacy) return;
  const allowed = customerPrivacy.analyticsProcessingAllowed() && !signalled();
  const said = customerPrivacy.currentVisitorConsent().analytics;
  if (allowed) shopbell("consent", { analytics: true, marketing: customerPrivacy.marketingAllowed() });
  else if (said == "no") shopbell("consent", { analytics: false });
}

adapt({ readCart, watch, claim, merge });
if (tag && tag.getAttribute("data-shopbell-consent") == "shopify") followConsent();
