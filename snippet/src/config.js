/** What the script tag and `shopbell('config', …)` say. */

/** `currentScript` is null in a module or when the tag was copied by a tag manager: then the key finds the tag. */
export const tag = /** @type {HTMLScriptElement} */ (
  document.currentScript || document.querySelector("script[data-key]") || document.createElement("script")
);

/** Where this file came from; its neighbour, the UI, is fetched from the same place. */
export const source = new URL(tag.src || location.href);

/** @type {{key?: string, endpoint: string, language?: string, consent?: string, cookieDomain?: string}} */
export const config = { endpoint: source.origin, ...tag.dataset };

/** The server's address for a path; the shop may have put it under one of its own. @param {string} path */
export const server = (path) => config.endpoint.replace(/\/$/, "") + path;

export const language = () => config.language || document.documentElement.lang;
