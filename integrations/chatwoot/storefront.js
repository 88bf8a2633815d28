/**
 * Opens Chatwoot's widget for whoever accepts an invitation to chat, and tells that they are chatting.
 *
 * The widget is the shop's: it is only loaded from here where the tag names a Chatwoot and a website token, and only
 * when somebody wants to chat. https://developers.chatwoot.com/self-hosted/configuration/features/ has its SDK.
 */

import { shopbell } from "../../snippet/src/adapters/adapter.js";

/** What a message of the widget says by whom it is: 0 the shopper, 1 an agent, 2 what happened, 3 a template. */
const BY_THE_SHOPPER = 0;

const tag = document.currentScript;
const host = /** @type {any} */ (window);

/** Has the widget been asked for? */
let loading = false;
/** The invitation that waits for the widget. @type {any} */
let waiting = null;
/** Opened by an invitation, or written in, since it was closed last. */
let chatting = false;

/** Brings the widget, where the tag names one and the shop has not brought it already. */
function load() {
  const baseUrl = tag && tag.getAttribute("data-chatwoot-url");
  const websiteToken = tag && tag.getAttribute("data-chatwoot-token");
  if (loading || host.$chatwoot || !baseUrl || !websiteToken) return;
  loading = true;
  const script = document.createElement("script");
  script.src = baseUrl + "/packs/js/sdk.js";
  script.onload = () => host.chatwootSDK.run({ websiteToken, baseUrl });
  script.onerror = () => (loading = false);
  document.head.append(script);
}

/** Before it is ready the widget drops what it is told. */
function open() {
  const widget = host.$chatwoot;
  if (!waiting || !widget || !widget.hasLoaded) return;
  const { id, rule, text } = waiting;
  waiting = null;
  chatting = true;
  widget.toggle("open");
  const page = location.origin + location.pathname;
  widget.setCustomAttributes({ shopbell_message: id, shopbell_rule: rule, shopbell_text: text, shopbell_page: page });
}

shopbell("on", "chat", (/** @type {unknown} */ message) => {
  waiting = message;
  load();
  open();
});
addEventListener("chatwoot:ready", open);

let started = false;
addEventListener("chatwoot:on-message", (/** @type {any} */ { detail }) => {
  if (!detail || detail.message_type !== BY_THE_SHOPPER) return;
  chatting = true;
  if (!started) shopbell("track", "chat_started");
  started = true;
});
addEventListener("chatwoot:closed", () => {
  if (chatting) shopbell("track", "chat_ended");
  chatting = started = false;
});

// Who chatted on the page before goes on with it here.
if (/(^|; )cw_conversation=/.test(document.cookie)) load();
