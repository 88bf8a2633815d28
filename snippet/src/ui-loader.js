/** Fetches the second file when the first invitation comes; most pages never need it. */

import { language, source, tag } from "./config.js";
import { emit } from "./events.js";
import { fire } from "./handlers.js";
import { attempt, read, write } from "./storage.js";
import { exclusively, skew } from "./transport.js";

const REMEMBERED = 50;

/** @type {Promise<Ui> | null} */
let loading = null;
/** @type {Ui | undefined} */
let ui;
/** @type {(ui: Ui) => void} */
let arrived;

/** The file hands itself over. @param {(kit: Kit) => Ui} make */
export function setUi(make) {
  ui = make({ language, claim, report });
  arrived(ui);
}

/**
 * Whether this tab may show it, and it is about to: each message once over all tabs, and none that is late by the server's clock.
 * @param {Message} message
 */
function claim(message) {
  const { id, expires_at } = message;
  return exclusively("shopbell:m", () => {
    const shown = (read("m") || "").split("|");
    if (shown.includes(id) || Date.parse(expires_at || "") <= Date.now() + skew) return false;
    write("m", [...shown, id].slice(-REMEMBERED).join("|"));
    fire("message", message);
    return true;
  });
}

/** Tells the server and the shop what became of it. @param {Message} message @param {string} what @param {string} [action] */
function report(message, what, action) {
  emit("message_" + what, { message: message.id, action });
  if (what == "dismissed") fire("dismiss", message);
  if (action == "chat") fire(action, message);
}

/** Strict pages demand a policy for a script's address; ours knows one address only, and is made once. @type {any} */
let address;

function makeAddress() {
  const url = new URL(UI_FILE, source).href;
  return attempt(() => trustedTypes.createPolicy("shopbell", { createScriptURL: () => url }).createScriptURL("")) || url;
}

function load() {
  return (loading ||= new Promise((resolve, reject) => {
    arrived = resolve;
    const script = document.createElement("script");
    script.nonce = tag.nonce;
    if (tag.integrity) {
      script.crossOrigin = "";
      script.integrity = UI_INTEGRITY;
    }
    script.onerror = (error) => {
      loading = null; // the next message tries again
      reject(error);
    };
    script.src = address ||= makeAddress();
    document.head.append(script);
  }));
}

/** @param {Message[]} messages */
export async function receive(messages) {
  try {
    (await load()).receive(messages);
  } catch (error) {
    fire("error", { code: "ui", error });
  }
}

/** Takes everything away, as when consent is withdrawn. */
export const clear = () => ui && ui.clear();
