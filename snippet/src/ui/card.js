/**
 * The card: a labelled region at the end of the page, not a dialog, because it never asks for the focus. Screen readers
 * hear it through a polite live region, Escape sends it away from anywhere, its buttons are the last in the tab order.
 */

import STYLE from "./card.css";
import { NO, RIGHT_TO_LEFT } from "./labels.js";
import { takePlace } from "./place.js";

/** Where a message may lead, nothing else: no `javascript:`, no `data:`; plain `http:` only within the shop. @param {string} href */
const isSafe = (href) => /^(https|mailto|tel):/.test(href) || href.startsWith(location.origin + "/");

/**
 * An element with text in it; text is only ever text.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {Node} parent @param {T} name @param {string} [text] @returns {HTMLElementTagNameMap[T]}
 */
function add(parent, name, text) {
  const element = document.createElement(name);
  element.textContent = /** @type {string} */ (text);
  parent.appendChild(element);
  return element;
}

/** The agent's initial, or the picture once it has come. @param {Node} card @param {{name: string, picture?: string}} agent */
function addFace(card, { name, picture }) {
  const face = add(card, "i", [...name][0]);
  face.ariaHidden = "true";
  if (!picture) return;
  const image = new Image();
  image.onload = () => face.replaceChildren(image);
  image.src = picture;
}

/** @type {Card} */
export function showCard({ kind, text, agent, actions = [] }, language, report) {
  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
  host.lang = language;
  host.dir = RIGHT_TO_LEFT.test(language) ? "rtl" : "ltr";

  /** Where the shopper was before coming here with the keyboard. @type {any} */
  let before;
  host.addEventListener("focusin", (event) => {
    before = event.relatedTarget || before;
  });
  const close = () => {
    const inside = root.activeElement;
    stopWaiting();
    host.remove();
    document.removeEventListener("keydown", onKey);
    if (inside && before) before.focus();
  };
  const refuse = () => {
    close();
    report("dismissed");
  };
  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    if (event.key == "Escape" && !event.defaultPrevented) refuse();
  };

  const card = add(root, "section");
  card.ariaLabel = agent ? agent.name : text;
  if (agent) addFace(card, agent);
  const said = add(card, "p");
  said.role = "status";
  if (agent) add(said, "b", agent.name);
  add(said, "span", text);
  const buttons = add(card, "div");
  for (const { open, label, href } of actions) {
    const chat = open == "chat";
    const button = /** @type {HTMLAnchorElement} */ (add(buttons, chat ? "button" : "a", label || open));
    button.className = "yes";
    if (!chat) button.href = href || "";
    if (!chat && !isSafe(button.href)) button.remove();
    button.onclick = () => {
      // First, so that the chat finds the focus where the shopper was, and can give it back there;
      // but a link must still be there while the browser follows it.
      if (chat) close();
      else setTimeout(close);
      report("accepted", open);
    };
  }
  // A hint asks nothing, so there is nothing to refuse.
  add(buttons, "button", kind == "nudge" ? "OK" : NO[language.slice(0, 2)] || NO.en).onclick = refuse;

  const stopWaiting = takePlace(host, () => {
    document.addEventListener("keydown", onKey);
    requestAnimationFrame(() => {
      // A live region announces what comes into it, not what it came with.
      said.replaceChildren(...said.childNodes);
      report("shown");
    });
  });
  return close;
}
