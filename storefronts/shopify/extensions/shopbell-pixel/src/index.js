/** The pixel as an extension of the app: its settings come with `webPixelCreate`. */

import { register } from "@shopify/web-pixels-extension";

import { report } from "./pixel.js";

register((sandbox) => report(sandbox, { server: sandbox.settings.server, key: sandbox.settings.key }));
