/** The storefront script: takes over from the stub and what it has queued. See docs/snippet.md. */

import { plan } from "./checkin.js";
import { config } from "./config.js";
import { choose, granted, presumeConsent, startConsent } from "./consent.js";
import { startEngaged } from "./engaged.js";
import { emit } from "./events.js";
import { fire, on, quietly } from "./handlers.js";
import { openTab } from "./ids.js";
import { declare, startPages } from "./pages.js";
import { restore } from "./restore.js";
import { startSignals } from "./signals.js";
import { startTransport } from "./transport.js";
import { clear, receive, setUi } from "./ui-loader.js";

let ready = false;

/** @type {Record<string, (...args: any[]) => void>} */
const commands = {
  config: (options) => Object.assign(config, options),
  on: (name, fn) => {
    on(name, fn);
    if (name == "ready" && ready) fn();
  },
  consent: choose,
  page: declare,
  track: (type, body) => emit(type.trim(), body),
  identify: (person) => emit("contact_given", person),
  ui: setUi,
};

/** What belongs to the first view, if it was said before; everything else comes after that view. */
const FIRST = ["config", "on", "page"];

/** @param {Command} command */
const run = (command) => {
  const [name, ...args] = Array.from(command);
  quietly(() => commands[name](...args));
};

/** @param {Command[]} queued */
function start(queued) {
  const early = (/** @type {Command} */ command) => FIRST.includes(command[0]);
  queued.filter(early).forEach(run);
  restore();
  openTab();
  startEngaged();
  startTransport((answer, events) => {
    plan(answer, events[events.length - 1]);
    const { messages } = answer;
    if (granted && messages && messages.length) receive(messages);
  });
  startPages();
  startSignals();
  startConsent(clear);
  queued.filter((command) => !early(command)).forEach(run);
  presumeConsent();
  ready = true;
  fire("ready");
}

function takeOver() {
  const stub = window.shopbell;
  if (stub && stub.live) return; // the tag stands on the page twice
  const queued = Array.from((stub && stub.q) || []);
  const shopbell = function () {
    run(arguments);
  };
  // Whoever kept a reference to the stub still pushes into its queue.
  window.shopbell = Object.assign(shopbell, { live: true, q: { push: run, length: 0 } });
  quietly(() => start(queued));
}

// A page that is only prepared has no reader yet: until there is one the stub goes on queueing.
if (document.prerendering) document.addEventListener("prerenderingchange", takeOver, { once: true });
else takeOver();
