/** Small signs that somebody is about to go, or really reads. */

import { emit } from "./events.js";
import { listen } from "./handlers.js";
import { pageSeq } from "./pages.js";

let view = 0;
/** The furthest that was told of this view, by kind. @type {Record<string, number>} */
let told = {};

/** Only what goes further than before on this view. @param {string} type @param {number} how @param {object} [body] */
function tellMore(type, how, body) {
  if (view != pageSeq()) told = {};
  view = pageSeq();
  if (how <= (told[type] || 0)) return;
  told[type] = how;
  emit(type, body);
}

export function startSignals() {
  // The mouse goes out over the top: to the tabs, the address, or the cross.
  listen(document, "mouseout", ({ relatedTarget, clientY }) => {
    if (!relatedTarget && clientY <= 0) tellMore("exit_intended", 1);
  });
  listen(document, "scroll", () => {
    const depth = Math.floor((4 * (scrollY + innerHeight)) / document.documentElement.scrollHeight) * 25;
    tellMore("scrolled", depth, { depth });
  });
}
