/** The server says when to ask again; this counts to it, in time the shopper really spends here. */

import { countDown, pageStartedAt } from "./engaged.js";
import { emit } from "./events.js";
import { pageSeq } from "./pages.js";

/** The soonest next check-in, whatever a server says. */
const SOONEST_MS = 500;

/**
 * @param {Answer} answer
 * @param {ShopEvent | undefined} last the newest event it answers, if this tab's
 */
export function plan({ next_check_ms: ms, check_on: on }, last) {
  // The server counted from that event's engaged time; the way there and back is not to be waited once more.
  const from = last && last.seq >= pageSeq() ? pageStartedAt() + last.engaged_ms : undefined;
  const wait = typeof ms == "number" ? Math.max(ms, SOONEST_MS) : null;
  countDown(wait, on == "engaged", () => emit("checked_in"), from);
}
