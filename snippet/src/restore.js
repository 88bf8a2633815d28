/** A saved cart comes back: the link of a mail carries a token, the shop's own code merges what it stands for. */

import { server } from "./config.js";
import { emit } from "./events.js";
import { fire, whenHeard } from "./handlers.js";

const PARAMETER = "shopbell_cart";

export async function restore() {
  try {
    // Out of the address first, so that no view, no referrer and no bookmark carries it.
    const url = new URL(location.href);
    const token = url.searchParams.get(PARAMETER);
    if (!token) return;
    url.searchParams.delete(PARAMETER);
    history.replaceState(history.state, "", url);
    // The shopper asked for it by following the link: it needs no consent to tracking, and no cookie goes along.
    const response = await fetch(server("/v1/carts/" + encodeURIComponent(token)), { credentials: "omit" });
    const { cart, message } = await response.json();
    // Whoever runs this page followed the link, also when the cart is gone; a scanner that only fetches it did not.
    if (message) emit("email_clicked", { message });
    if (!response.ok) throw Error("cart: " + response.status);
    // Only what a handler takes over has been restored, however late it comes.
    whenHeard("restore", () => {
      fire("restore", cart, message);
      emit("cart_restored", { cart, message });
    });
  } catch (error) {
    fire("error", { code: "restore", error });
  }
}
