/** Builds what is committed in dist/: the same sources and the same esbuild give the same bytes. */

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
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

/** @param {string} entry @param {Record<string, string>} define */
async function bundle(entry, define = {}) {
  const { outputFiles } = await build({
    absWorkingDir: here,
    entryPoints: [`src/${entry}`],
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

const ui = await bundle("ui/index.js");
const { hash, integrity } = describe(ui);
const core = await bundle("main.js", {
  UI_FILE: JSON.stringify(`shopbell-ui.js?v=${hash}`),
  UI_INTEGRITY: JSON.stringify(integrity),
});

const manifest = { "shopbell.js": describe(core), "shopbell-ui.js": describe(ui) };
mkdirSync(out, { recursive: true });
writeFileSync(`${out}/shopbell.js`, core);
writeFileSync(`${out}/shopbell-ui.js`, ui);
writeFileSync(`${out}/manifest.json`, JSON.stringify(manifest, null, 2) + "\n");
console.table(manifest);
