/** The pixel to be pasted, for a shop without the app: its settings stand in its first lines. */

import { report } from "./pixel.js";

// What Shopify lends to a pasted pixel has names, and perhaps no global object to be found on.
report({ analytics, browser, init, customerPrivacy: api.customerPrivacy }, SHOPBELL);
