/**
 * What a WooCommerce shop's pages know, of blocks and of classic themes alike: the cart with what its shipping costs, by
 * the Store API that every shop has since 2022, and the key of an order on the page that thanks for it.
 *
 * Amounts come in the shop's own smallest unit, of which `currency_minor_unit` says how small; they go out as decimals.
 * https://developer.woocommerce.com/docs/apis/store-api/resources-endpoints/cart/
 */

import { adapt, shopbell, watchRequests } from "../../snippet/src/adapters/adapter.js";

/** What themes, blocks and plugins ask when the cart becomes another. */
const CHANGES = /[?&]wc-ajax=(add_to_cart|remove_from_cart|get_refreshed_fragments|apply_coupon|remove_coupon|update_(order_review|shipping_method))|\/wc\/store\/(v1\/)?(cart\/|batch)/;

/** WordPress may live in a folder, and says itself where its API is. */
const api = () => {
  const link = document.querySelector('link[rel="https://api.w.org/"]');
  return (link ? /** @type {HTMLLinkElement} */ (link).href : location.origin + "/wp-json/") + "wc/store/v1/cart";
};
/** WooCommerce marks its pages so, whatever the theme. @param {string} name */
const isOn = (name) => document.body.classList.contains("woocommerce-" + name);

/** Never by a division: 0.1 would no longer be what it is.
 * @param {unknown} amount a whole number @param {number} unit how many of its digits are behind the point */
function decimal(amount, unit) {
  const digits = String(amount).padStart(unit + 1, "0");
  const at = digits.length - unit;
  return unit ? digits.slice(0, at) + "." + digits.slice(at) : digits;
}

/** @param {string} html names are stored for HTML: "Tea &#8211; green" */
const plain = (html) => new DOMParser().parseFromString(html, "text/html").body.textContent || "";

/** @param {any} item */
const line = ({ id, sku, name, variation, quantity, prices, permalink, images }) => ({
  product_id: String(id),
  sku: sku || undefined,
  name: plain(name),
  variant: variation.map((/** @type {any} */ { value }) => plain(value)).join(" / ") || undefined,
  quantity,
  price: decimal(prices.price, prices.currency_minor_unit),
  url: permalink,
  image_url: images.length ? images[0].thumbnail || images[0].src : undefined,
});

/** The price of what shipping was chosen, with its tax; null as long as none was. @param {any} totals */
const shippingOf = ({ total_shipping, total_shipping_tax }) =>
  total_shipping == null ? null : +total_shipping + +total_shipping_tax;

/** What goods and discounts come to, as the shop shows its prices: with their tax or without. @param {any} cart */
function goodsOf({ items, totals }) {
  const shown = items.reduce((/** @type {number} */ sum, /** @type {any} */ it) => sum + it.prices.price * it.quantity, 0);
  const withTax = shown - totals.total_items > totals.total_items_tax / 2;
  const discount = +totals.total_discount + (withTax ? +totals.total_discount_tax : 0);
  return { total: shown - discount, discount };
}

/** What was told of the checkout on this page. */
let told = "";

async function readCart() {
  const response = await fetch(api(), { headers: { Accept: "application/json" } });
  if (!response.ok) throw Error("cart: " + response.status);
  const cart = await response.json();
  const { items, coupons, totals } = cart;
  const { currency_code: currency, currency_minor_unit: unit } = totals;
  const { total, discount } = goodsOf(cart);
  const shipping = items.length && cart.needs_shipping ? shippingOf(totals) : null;
  const price = shipping == null ? undefined : decimal(shipping, unit);
  const atCheckout = isOn("checkout");
  const event = {
    cart: {
      currency,
      total: decimal(total, unit),
      discount: discount ? decimal(discount, unit) : undefined,
      coupon: coupons.length ? coupons[0].code : undefined,
      shipping_estimate: atCheckout ? undefined : price,
      lines: items.map(line),
    },
  };
  const goods = items.map((/** @type {any} */ { id, quantity, prices }) => [id, quantity, prices.price]);
  const fingerprint = JSON.stringify([currency, total, event.cart.shipping_estimate, goods]);
  if (items.length && atCheckout && !isOn("order-received"))
    tellCheckout(event.cart, price ? { price, currency, method: methodOf(cart) } : null);
  return { id: "", fingerprint, empty: !items.length, event };
}

/** @param {any} cart */
function methodOf({ shipping_rates }) {
  const chosen = shipping_rates.flatMap((/** @type {any} */ parcel) => parcel.shipping_rates.filter((/** @type {any} */ it) => it.selected));
  return chosen.map((/** @type {any} */ { name }) => plain(name)).join(" + ") || undefined;
}

/** The checkout began with this page; what its shipping costs is told whenever that is another.
 * @param {unknown} cart @param {Record<string, string> | null} shipping */
function tellCheckout(cart, shipping) {
  if (!told) shopbell("track", "checkout_started", { cart });
  if (shipping && told != shipping.price) shopbell("track", "shipping_shown", { shipping });
  told = shipping ? shipping.price : told || "begun";
}

/** Adds what is missing of the cart that was left, and shows it. @param {any} cart */
async function merge({ lines }) {
  const now = await fetch(api());
  const { items } = await now.json();
  let nonce = now.headers.get("Nonce") || "";
  let added = false;
  for (const { product_id, quantity } of lines) {
    const there = items.find((/** @type {any} */ { id }) => String(id) == product_id);
    const missing = quantity - (there ? there.quantity : 0);
    if (!product_id || missing <= 0) continue;
    const headers = { "Content-Type": "application/json", Nonce: nonce };
    const body = JSON.stringify({ id: Number(product_id), quantity: missing });
    const answer = await fetch(api() + "/add-item", { method: "POST", headers, body });
    nonce = answer.headers.get("Nonce") || nonce;
    added ||= answer.ok;
  }
  if (added) location.reload();
}

/** The page that thanks has the order's number and key in its address: by the key its webhook finds this visitor. */
function thank() {
  const query = new URLSearchParams(location.search);
  const key = query.get("key");
  const [, id] = /\/(\d+)\/?$/.exec(location.pathname) || ["", query.get("order-received")];
  if (!isOn("order-received") || !id || !/^wc_order_\w+$/.test(key || "")) return;
  shopbell("track", "order_placed", { order: { id }, refs: ["woocommerce:checkout:" + key] });
}

function begin() {
  thank();
  adapt({ readCart, watch: watchRequests(CHANGES), merge });
}

if (document.readyState == "loading") document.addEventListener("DOMContentLoaded", begin);
else begin();
