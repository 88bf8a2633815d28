/** Shopify's own check of a theme app extension, without the pages that it would fetch from elsewhere. */

import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const { NodeFileSystem, check, getTheme, loadConfig } = require("@shopify/theme-check-node");
const [root] = process.argv.slice(2);
const config = await loadConfig("theme-check:theme-app-extension", root);
const theme = await getTheme(config);
const common = createRequire(require.resolve("@shopify/theme-check-node"))("@shopify/theme-check-common");
const found = await common.check(theme, config, { fs: NodeFileSystem });
process.stdout.write(JSON.stringify({ files: theme.length, found: found.map(({ check, message }) => `${check}: ${message}`) }));
