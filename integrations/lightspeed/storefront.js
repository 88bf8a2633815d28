/**
 * Brings the storefront script to a Lightspeed shop's pages: the platform writes a tag with an address and nothing
 * else (`shop/scripts`), so the shop's public key stands in that address. What is in the cart no page can read; the
 * platform's webhooks and its API tell it.
 */

import "../../snippet/src/adapters/adapter.js"; // calls made before the storefront script is there wait in a queue

const tag = /** @type {HTMLScriptElement | null} */ (
  document.currentScript || document.querySelector('script[src*="/adapters/lightspeed.js?key="]')
);
const source = tag && new URL(tag.src);
const key = source && source.searchParams.get("key");

// A shop that has put the storefront script into its theme keeps that one.
if (key && !document.querySelector("script[data-key]")) {
  const script = document.createElement("script");
  script.async = true;
  script.src = new URL("/shopbell.js", source).href;
  script.dataset.key = key;
  document.head.append(script);
}
