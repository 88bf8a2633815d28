/**
 * Renders the app embed as Shopify would, by another Liquid: the block's file, the defaults of its schema, and the
 * objects that a page of the theme has. Says what the schema says where nothing is to be rendered.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { Liquid } = createRequire(`${process.cwd()}/`)("liquidjs");
const told = JSON.parse(readFileSync(0, "utf8"));
const source = readFileSync(told.block, "utf8");
const [, schema] = source.match(/{% schema %}([\s\S]*){% endschema %}/);
const { settings } = JSON.parse(schema);

const engine = new Liquid({ strictFilters: true });
engine.registerTag("schema", {
  parse(_, remaining) {
    while (remaining.length && remaining.shift().name !== "endschema");
  },
  render: () => "",
});
// Shopify's own writes what a page could take for its markup as an escape.
engine.registerFilter("json", (value) => JSON.stringify(value ?? null).replace(/[<>&\u2028\u2029]/g, (sign) => "\\u" + sign.charCodeAt(0).toString(16).padStart(4, "0")));

const defaults = Object.fromEntries(settings.filter(({ id }) => id).map((one) => [one.id, one.default ?? ""]));
const page = { ...told.page, block: { settings: { ...defaults, ...told.settings } } };
process.stdout.write(await engine.parseAndRender(source, page));
