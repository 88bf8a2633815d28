// The shop's own script: the consent banner, and what the shop tells Shopbell. Everything it tells stands in the
// page as the server wrote it (`#page-data`); here it is only decided whether it is new.
"use strict";
{
  const facts = JSON.parse(document.getElementById("page-data").textContent);
  const YEAR_HALF_S = 180 * 24 * 3600;

  // --- consent -------------------------------------------------------------------------------------------------------

  const banner = document.getElementById("consent");
  let choice = banner.dataset.choice;

  function showBanner() {
    banner.hidden = false;
    document.documentElement.classList.add("has-consent");
  }

  function choose(answer) {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `vloei_consent=${answer}; path=/demo; max-age=${YEAR_HALF_S}; samesite=lax${secure}`;
    choice = answer;
    banner.hidden = true;
    document.documentElement.classList.remove("has-consent");
    shopbell("consent", { analytics: answer === "yes" });
    if (answer === "yes") remember();
    else forget();
  }

  for (const button of banner.querySelectorAll("[data-consent]")) {
    button.addEventListener("click", () => choose(button.dataset.consent));
  }
  for (const opener of document.querySelectorAll("[data-consent-open]")) {
    opener.addEventListener("click", () => {
      showBanner();
      banner.querySelector("button").focus();
    });
  }
  if (!choice) showBanner();

  // --- telling, once for each new fact -------------------------------------------------------------------------------

  // What was told is kept per tab, and only after a yes: before it, nothing of ours may stay in the browser either.
  const TOLD = "vloei.told";
  let told = {};
  try {
    told = JSON.parse(sessionStorage.getItem(TOLD)) || {};
  } catch {
    told = {};
  }

  function remember() {
    try {
      if (choice === "yes") sessionStorage.setItem(TOLD, JSON.stringify(told));
    } catch {
      // A full or forbidden storage costs a repetition, nothing else.
    }
  }

  function forget() {
    told = {};
    try {
      sessionStorage.removeItem(TOLD);
    } catch {
      // Nothing was kept then.
    }
  }

  function once(what, value, tell) {
    const mark = JSON.stringify(value);
    if (told[what] === mark) return;
    told[what] = mark;
    tell();
    remember();
  }

  const track = (type, body) => shopbell("track", type, body);

  function tellCart() {
    const { cart } = facts;
    const mark = cart.lines.map((line) => [line.id, line.quantity]);
    // An empty cart is news only to those who know of a full one, and not when it was emptied by ordering.
    if (!mark.length && (!told.cart || told.cart === "[]" || facts.order)) {
      told.cart = "[]";
      return remember();
    }
    once("cart", mark, () => track("cart_updated", { cart }));
  }

  function tellCheckout() {
    const { cart, checkout } = facts;
    once("checkout", cart.id, () => track("checkout_started", { cart }));
    for (const step of checkout.done) {
      once(`step ${step}`, cart.id, () => track("checkout_step_completed", { step, cart }));
    }
  }

  function tellShipping() {
    const tell = (code) => track("shipping_shown", { shipping: facts.shipping[code], cart: facts.cart });
    const form = document.getElementById("shipping-form");
    tell(form.elements.method.value);
    form.addEventListener("change", ({ target }) => {
      document.querySelector("[data-shipping]").textContent = target.dataset.price;
      document.querySelector("[data-total]").textContent = target.dataset.sum;
      tell(target.value);
    });
  }

  if (facts.product) track("product_viewed", { product: facts.product });
  if (facts.order) once("order", facts.order.id, () => track("order_placed", { order: facts.order.order }));
  tellCart();
  if (document.documentElement.dataset.pageType === "cart") track("cart_viewed", { cart: facts.cart });
  if (facts.checkout) tellCheckout();
  if (facts.contact) once("contact", facts.contact, () => shopbell("identify", facts.contact));
  if (facts.shipping) tellShipping();
  if (facts.failed) once("failed", facts.failed.attempt, () => track("payment_failed", { method: facts.failed.method }));

  // --- the order form carries the visitor's number, so that the shop's server can confirm for the same visitor -------

  const payment = document.getElementById("payment-form");
  const nameVisitor = () => {
    if (payment && window.demoVisitor) payment.elements.visitor.value = window.demoVisitor;
  };
  shopbell("on", "sent", nameVisitor);
  nameVisitor();

  // --- a saved cart comes back ---------------------------------------------------------------------------------------

  shopbell("on", "restore", async (cart) => {
    const lines = cart.lines.map(({ id, product_id, quantity }) => ({ id, product_id, quantity }));
    const body = JSON.stringify({ lines });
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(facts.mergeUrl, { method: "POST", body, headers, redirect: "manual" });
    // The server merged it and leads to the cart page, which says what came back and what could not.
    if (answer.type === "opaqueredirect") location.replace(facts.mergeUrl.replace(/\/merge$/, ""));
  });

  // --- small comforts ------------------------------------------------------------------------------------------------

  for (const form of document.querySelectorAll("[data-submit-on-change]")) {
    form.querySelector("button").hidden = true;
    form.addEventListener("change", () => form.requestSubmit());
  }
}
