/**
 * Shopify's pixel sandbox, as far as a pixel may see: a worker without a page. What is not lent is not there, so that
 * a pixel that reaches for `document`, `window` or `localStorage` breaks here as it does there.
 *
 * Reads from its input what happens, one thing after the other, and writes what the pixel did. Requests are real.
 */

import { webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import vm from "node:vm";

const told = JSON.parse(readFileSync(0, "utf8"));
const cookies = new Map(Object.entries(told.cookies ?? {}));
const storage = new Map(Object.entries(told.storage ?? {}));
const requests = [];
const complaints = [];
const listeners = new Map();
let status = null;
let busy = 0;

/** Everything that is lent answers later, as it does over there. */
const later = (work) => async (...args) => {
  busy += 1;
  try {
    await new Promise(setImmediate);
    return await work(...args);
  } finally {
    busy -= 1;
  }
};

const subscribe = (name, callback) => {
  listeners.set(name, [...(listeners.get(name) ?? []), callback]);
  return () => true;
};

const lent = {
  settings: told.settings,
  analytics: { subscribe },
  customerPrivacy: { subscribe },
  init: { customerPrivacy: told.privacy, data: {}, context: {} },
  browser: {
    cookie: {
      get: later((name) => cookies.get(name) ?? ""),
      set: later((text, value) => {
        const [name, ...rest] = text.split(";")[0].split("=");
        cookies.set(name, value ?? rest.join("="));
        return text;
      }),
    },
    localStorage: {
      getItem: later((key) => storage.get(key) ?? null),
      setItem: later((key, value) => void storage.set(key, String(value))),
      removeItem: later((key) => void storage.delete(key)),
    },
  },
};

/** A browser's `fetch` in a frame that has no address of its own; `status` stands in for a server that is away. */
const send = later(async (url, { method, body, keepalive, headers, ...others }) => {
  const request = { url, method, body, keepalive, headers, others, status };
  requests.push(request);
  if (status === 0) throw new TypeError("Failed to fetch");
  if (status) return { status };
  const sent = { "Content-Type": "text/plain;charset=UTF-8", Origin: "null", ...headers };
  const response = await fetch(url, { method, body, headers: sent });
  request.answer = await response.json();
  request.status = response.status;
  return { status: response.status };
});

const complain = (...args) => complaints.push(args.map(String).join(" "));
const world = {
  console: { debug: complain, log: complain, warn: complain, error: complain },
  crypto: webcrypto,
  fetch: send,
};
if (told.pasted) {
  const { analytics, browser, init, customerPrivacy } = lent;
  // Lent as names of a function, not as properties of the world.
  world.run = { analytics, browser, init, api: { customerPrivacy } };
} else {
  world.shopify = { extend: (point, start) => (point == "WebPixel::Render" ? start(lent) : complain(point)) };
}

const settled = async () => {
  for (let quiet = 0; quiet < 20; quiet = busy ? 0 : quiet + 1) await new Promise(setImmediate);
};

const code = readFileSync(told.code, "utf8").replace("https://bell.shop.example", told.settings.server).replace("pk_…", told.settings.key);
const names = told.pasted ? "{ analytics, browser, init, api }" : "";
vm.runInNewContext(`(function (${names}) { ${code}\n })(${told.pasted ? "run" : ""})`, world);
for (const step of told.steps) {
  if ("status" in step) status = step.status;
  for (const callback of listeners.get(step.name) ?? []) callback(step.event);
  if (!step.at_once) await settled();
}
await settled();
const result = { requests, complaints, cookies: Object.fromEntries(cookies), storage: Object.fromEntries(storage) };
process.stdout.write(JSON.stringify(result));
