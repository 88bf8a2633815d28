/** Makes an event of what happened; consent decides what becomes of it. */

import { admit } from "./consent.js";
import { engagedMs } from "./engaged.js";
import { nextSeq, uuid } from "./ids.js";
import { describePage, releaseView } from "./pages.js";

/**
 * @param {string} type `object_verbed`
 * @param {Record<string, any>} [body] the event's own fields
 * @param {(event: ShopEvent) => void} [deliver]
 */
export function emit(type, body = {}, deliver = admit) {
  releaseView(); // the view of the page comes before what is done on it
  deliver({
    at: new Date().toISOString(),
    ...body,
    id: uuid(),
    type,
    seq: nextSeq(),
    engaged_ms: engagedMs(),
    page: { ...describePage(), ...body.page },
  });
}
