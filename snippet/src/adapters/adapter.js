/**
 * What every platform's script for its pages shares. Such a script says how its pages tell their cart; when to look,
 * whether it may, and whether there is anything new to tell, is decided here.
 *
 * It is a guest of the shop and of the storefront script: it speaks through `shopbell(…)` alone, in any order of
 * loading, and does nothing before it has seen a batch leave. That is only so with the shopper's consent.
 */

/**
 * @typedef {object} Cart
 * @property {string} id what the platform calls it
 * @property {string} fingerprint what is in it, for comparing
 * @property {boolean} empty
 * @property {Record<string, unknown>} event what `cart_updated` says of it
 * @property {string} [visitor] whose it is, as it says itself
 */

/**
 * @typedef {object} Platform
 * @property {() => Promise<Cart | null>} readCart what is in the cart, as an event; null where that cannot be known
 * @property {(changed: () => void) => void} watch calls `changed` whenever the cart may have become another
 * @property {(visitor: string) => Promise<unknown>} [claim] writes whose cart it is into the cart itself; "" for nobody's
 * @property {(cart: any) => Promise<unknown>} [merge] brings back what a mail's link stands for
 */

/** Kept under the prefix that the storefront script wipes when consent is withdrawn. */
const TOLD = "shopbell:cart";

window.shopbell ||= function () {
  const stub = /** @type {any} */ (window.shopbell);
  (stub.q = stub.q || []).push(arguments);
};

/** @param {unknown[]} command */
export const shopbell = (...command) => /** @type {Shopbell} */ (window.shopbell)(...command);

/** Nothing of ours breaks the shop; its developers may read along. @param {unknown} error */
const note = (error) => console.debug("shopbell:", error);

/** Storage may be forbidden: then this page alone remembers. @type {string | null} */
let inMemory = null;

function told() {
  try {
    return localStorage.getItem(TOLD);
  } catch {
    return inMemory;
  }
}

/** @param {string} fingerprint */
function remember(fingerprint) {
  inMemory = fingerprint;
  try {
    localStorage.setItem(TOLD, fingerprint);
  } catch {
    // what is in memory does for this page
  }
}

/**
 * Global Privacy Control and Do Not Track: a yes that the platform remembers, or presumes, gives way to them. What the
 * shopper says on this very page does not.
 */
export const signalled = () => !!(/** @type {any} */ (navigator).globalPrivacyControl || navigator.doNotTrack == "1");

/**
 * Calls back after requests whose address fits, by whatever script they were made, and when a page comes back as it was
 * left. The browser tells which requests there were: nothing of the shop's has to be wrapped for it.
 * @param {RegExp} pattern @returns {Platform["watch"]}
 */
export const watchRequests = (pattern) => (changed) => {
  const observer = new PerformanceObserver((list) => list.getEntries().some(({ name }) => pattern.test(name)) && changed());
  observer.observe({ type: "resource", buffered: true });
  addEventListener("pageshow", (event) => event.persisted && changed());
};

/** @param {Platform} platform */
export function adapt({ readCart, watch, claim, merge }) {
  /** Known as long as the shopper agrees. */
  let visitor = "";
  let looking = false;
  let again = false;
  let claimed = "";

  /** @param {{visitor: string, events: any[]}} batch what has just left the browser */
  function learn({ visitor: whose, events }) {
    if (events.some(({ type, consent }) => type == "consent_changed" && consent && consent.analytics === false)) {
      visitor = "";
      look();
    } else if (whose != visitor) {
      visitor = whose;
      look();
    }
  }

  /** One look at a time; what changes meanwhile is looked at afterwards. */
  async function look() {
    again = true;
    if (looking) return;
    looking = true;
    while (again) {
      again = false;
      await lookOnce().catch(note);
    }
    looking = false;
  }

  async function lookOnce() {
    const cart = await readCart();
    if (!cart) return;
    if (visitor) tell(cart);
    const named = cart.visitor || "";
    const claiming = cart.id + " " + visitor;
    // Once on each page: a shop that drops what is written there is not asked again and again.
    if (!claim || named == visitor || (cart.empty && !named) || claimed == claiming) return;
    claimed = claiming;
    await claim(visitor);
  }

  /** @param {Cart} cart */
  function tell({ fingerprint, empty, event }) {
    const before = told();
    if (fingerprint == before || (empty && !before)) return;
    remember(fingerprint);
    shopbell("track", "cart_updated", event);
  }

  shopbell("on", "sent", learn);
  if (merge) shopbell("on", "restore", (/** @type {any} */ cart) => void merge(cart).catch(note));
  watch(() => void (visitor && look()));
  // Whoever comes after the first batch has left asks for another: it tells who this is.
  shopbell("page", {});
}
