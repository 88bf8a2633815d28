/** Builds what is committed in dist/: the same sources and the same esbuild give the same bytes. */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";
import { minify } from "terser";

const here = fileURLToPath(new URL(".", import.meta.url));
/** Browsers since 2021; what is newer, the sources look for before they use it. */
const TARGET = ["es2021", "chrome87", "firefox80", "safari14.1"];
const out = process.argv[2] ?? here + "dist";

/** A style sheet is imported as one minified string. @type {import("esbuild").Plugin} */
const styles = {
  name: "styles",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, "utf8"), { loader: "css", minify: true, target: TARGET });
      return { contents: code.trim().replaceAll(", ", ","), loader: "text" };
    });
  },
};

/** @param {string} entry from this folder @param {Record<string, string>} define */
async function bundle(entry, define = {}) {
  const { outputFiles } = await build({
    absWorkingDir: here,
    entryPoints: [entry],
    bundle: true,
    minifySyntax: true,
    write: false,
    format: "iife",
    target: TARGET,
    plugins: [styles],
    legalComments: "none",
    charset: "utf8",
    define,
  });
  // esbuild bundles, terser folds what is used once into its place: 5 % less.
  const { code } = await minify(outputFiles[0].text, { ecma: 2020, toplevel: true, compress: { passes: 3, keep_fargs: false, unsafe_arrows: true } });
  return Buffer.from(code ?? "");
}

/** @param {Buffer} code @param {string} algorithm @param {"hex" | "base64"} encoding */
const digest = (code, algorithm, encoding) => createHash(algorithm).update(code).digest(encoding);

/** @param {Buffer} code */
const describe = (code) => ({
  hash: digest(code, "sha256", "hex").slice(0, 16),
  integrity: "sha256-" + digest(code, "sha256", "base64"),
  bytes: code.length,
  gzip_bytes: gzipSync(code, { level: 9 }).length,
});

const ui = await bundle("src/ui/index.js");
const { hash, integrity } = describe(ui);
const core = await bundle("src/main.js", {
  UI_FILE: JSON.stringify(`shopbell-ui.js?v=${hash}`),
  UI_INTEGRITY: JSON.stringify(integrity),
});

/** The scripts that integrations bring for the shop's pages, by their names. */
const integrations = here + "../integrations/";
const brings = (/** @type {string} */ name) => existsSync(`${integrations}${name}/storefront.js`);
const names = readdirSync(integrations).filter(brings).sort();

/** @type {Record<string, Buffer>} */
const files = { "shopbell.js": core, "shopbell-ui.js": ui };
for (const name of names) files[`adapters/${name}.js`] = await bundle(`../integrations/${name}/storefront.js`);

const manifest = Object.fromEntries(Object.entries(files).map(([name, code]) => [name, describe(code)]));
mkdirSync(`${out}/adapters`, { recursive: true });
for (const [name, code] of Object.entries(files)) writeFileSync(`${out}/${name}`, code);
writeFileSync(`${out}/manifest.json`, JSON.stringify(manifest, null, 2) + "\n");
console.table(manifest);
