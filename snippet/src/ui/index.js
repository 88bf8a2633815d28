/** The second file: invitations. It meets the core through the public function and the kit only. */

import { makeBell } from "./bell.js";

/** @type {Shopbell} */ (window.shopbell)("ui", makeBell);
