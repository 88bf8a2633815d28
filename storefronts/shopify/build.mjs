/**
 * Builds the pixel that is pasted, which is committed; with a folder as argument also the app's pixel, as Shopify's own
 * tool builds it when the app is deployed.
 */

import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const out = process.argv[2] ?? here + "custom-pixel";
const HEAD = `// Shopbell's pixel, to be pasted into Shopify's admin: Settings, Customer events, Add custom pixel.
// Fill in these two, and choose under Permission: required, analytics.
const SHOPBELL = {
  server: "https://bell.shop.example",
  key: "pk_…",
};
`;

/** @param {string} entry @param {string} name @param {string} banner */
const bundle = (entry, name, banner = "") =>
  build({
    absWorkingDir: here,
    entryPoints: [`extensions/shopbell-pixel/src/${entry}`],
    outfile: `${out}/${name}`,
    bundle: true,
    format: "iife",
    target: ["es2021"],
    legalComments: "none",
    charset: "utf8",
    banner: { js: banner },
  });

await bundle("custom.js", "shopbell-pixel.js", HEAD);
if (process.argv[2]) await bundle("index.js", "app-pixel.js");
