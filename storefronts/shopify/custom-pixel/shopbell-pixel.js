// Shopbell's pixel, to be pasted into Shopify's admin: Settings, Customer events, Add custom pixel.
// Fill in these two, and choose under Permission: required, analytics.
const SHOPBELL = {
  server: "https://bell.shop.example",
  key: "pk_…",
};

"use strict";
(() => {
  // extensions/shopbell-pixel/src/trim.js
  var money = (price) => price ? { amount: price.amount, currencyCode: price.currencyCode } : void 0;
  var variant = (it) => it && {
    id: it.id,
    sku: it.sku,
    title: it.title,
    price: money(it.price),
    image: it.image && { src: it.image.src },
    product: it.product && {
      id: it.product.id,
      title: it.product.title,
      vendor: it.product.vendor,
      type: it.product.type,
      url: it.product.url
    }
  };
  var option = (it) => ({
    title: it.title,
    cost: money(it.cost),
    costAfterDiscounts: money(it.costAfterDiscounts)
  });
  var place = (it) => it && { country: { isoCode: it.country && it.country.isoCode }, language: { isoCode: it.language && it.language.isoCode } };
  var list = (values, each) => (values || []).map(each);
  var checkout = (it) => ({
    token: it.token,
    email: it.email,
    buyerAcceptsEmailMarketing: it.buyerAcceptsEmailMarketing,
    buyerAcceptsSmsMarketing: it.buyerAcceptsSmsMarketing,
    currencyCode: it.currencyCode,
    subtotalPrice: money(it.subtotalPrice),
    totalPrice: money(it.totalPrice),
    totalTax: money(it.totalTax),
    discountsAmount: money(it.discountsAmount),
    discountApplications: list(it.discountApplications, ({ type, title }) => ({ type, title })),
    shippingLine: it.shippingLine && { price: money(it.shippingLine.price) },
    delivery: it.delivery && { selectedDeliveryOptions: list(it.delivery.selectedDeliveryOptions, option) },
    shippingAddress: it.shippingAddress && { countryCode: it.shippingAddress.countryCode },
    localization: place(it.localization),
    order: it.order && { id: it.order.id, customer: it.order.customer && { id: it.order.customer.id } },
    lineItems: list(it.lineItems, (line) => ({ title: line.title, quantity: line.quantity, variant: variant(line.variant) }))
  });
  var cart = (it) => ({
    id: it.id,
    cost: { totalAmount: money(it.cost && it.cost.totalAmount) },
    lines: list(it.lines, (line) => ({ quantity: line.quantity, merchandise: variant(line.merchandise) }))
  });
  function about(data) {
    const whose = data.checkout || data.cart || {};
    return {
      attributes: whose.attributes || [],
      checkout: data.checkout ? checkout(data.checkout) : void 0,
      cart: data.cart ? cart(data.cart) : void 0,
      alert: data.alert ? { type: data.alert.type } : void 0
    };
  }

  // extensions/shopbell-pixel/src/pixel.js
  var ATTRIBUTE = "_shopbell_visitor";
  var COOKIE = "shopbell_visitor";
  var OUTBOX = "shopbell:pixel";
  var UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
  var YEAR_S = 31536e3;
  var KEPT_EVENTS = 50;
  var BODY_CHARACTERS = 5e4;
  var HOPELESS = [400, 401, 403, 413, 415, 422];
  var EVENTS = (
    /** @type {const} */
    [
      "cart_viewed",
      "checkout_started",
      "checkout_contact_info_submitted",
      "checkout_address_info_submitted",
      "checkout_shipping_info_submitted",
      "payment_info_submitted",
      "checkout_completed",
      "alert_displayed"
    ]
  );
  function report({ analytics: analytics2, browser: browser2, init: init2, customerPrivacy }, { server, key }) {
    const url = server.trim().replace(/\/$/, "") + "/v1/events";
    let allowed = init2.customerPrivacy.analyticsProcessingAllowed;
    let early = [];
    let turn = Promise.resolve();
    const inTurn = (work) => {
      turn = turn.then(work).catch((error) => console.debug("shopbell:", error));
    };
    async function outbox() {
      try {
        return JSON.parse(await browser2.localStorage.getItem(OUTBOX) || "[]");
      } catch {
        return [];
      }
    }
    const keep = (kept) => kept.length ? browser2.localStorage.setItem(OUTBOX, JSON.stringify(kept.slice(-KEPT_EVENTS))) : browser2.localStorage.removeItem(OUTBOX);
    async function whose(attributes) {
      const named = attributes.find((attribute) => attribute.key == ATTRIBUTE);
      if (named && UUID.test(named.value)) return named.value;
      const known = await browser2.cookie.get(COOKIE);
      if (UUID.test(known)) return known;
      const fresh = crypto.randomUUID();
      await browser2.cookie.set(`${COOKIE}=${fresh};path=/;max-age=${YEAR_S};samesite=lax;secure`);
      return fresh;
    }
    async function take({ id, name, timestamp, data }) {
      const { attributes, ...told } = about(data || {});
      const visitor = await whose(attributes);
      await keep([...await outbox(), { visitor, event: { id, type: name, at: timestamp, data: told } }]);
      await send();
    }
    async function send() {
      for (; ; ) {
        const waiting = await outbox();
        const next = batch(waiting);
        if (!next.length || !await post(next)) return;
        const sent = new Set(next.map(({ event }) => event.id));
        await keep((await outbox()).filter(({ event }) => !sent.has(event.id)));
      }
    }
    async function post(next) {
      const events = next.map(({ event }) => event);
      const body = JSON.stringify({ key, visitor: next[0].visitor, sent_at: (/* @__PURE__ */ new Date()).toISOString(), events });
      try {
        const { status } = await fetch(url, { method: "POST", body, keepalive: true });
        return status == 202 || HOPELESS.includes(status);
      } catch {
        return false;
      }
    }
    function happened(event) {
      if (allowed) inTurn(() => take(event));
      else if (early.length < KEPT_EVENTS) early.push(event);
    }
    function asked({ customerPrivacy: said }) {
      allowed = said.analyticsProcessingAllowed;
      const waited = early.splice(0);
      if (allowed) waited.forEach(happened);
      else inTurn(() => browser2.localStorage.removeItem(OUTBOX));
    }
    for (const name of EVENTS) analytics2.subscribe(name, happened);
    customerPrivacy.subscribe("visitorConsentCollected", asked);
    if (allowed) inTurn(send);
  }
  function batch(waiting) {
    const taken = [];
    let size = 0;
    for (const kept of waiting) {
      size += JSON.stringify(kept.event).length;
      if (taken.length && (size > BODY_CHARACTERS || kept.visitor != taken[0].visitor)) break;
      taken.push(kept);
    }
    return taken;
  }

  // extensions/shopbell-pixel/src/custom.js
  report({ analytics, browser, init, customerPrivacy: api.customerPrivacy }, SHOPBELL);
})();
