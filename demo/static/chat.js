// The shop's chat, as far as a shop without people can have one: it opens when an invitation is accepted, greets about
// the page the shopper is on, and keeps what was said until the tab closes. Nothing typed here leaves the browser.
"use strict";
{
  const KEY = "vloei.chat";
  const REPLY_MS = 1200;
  const panel = document.getElementById("chat");
  const log = panel.querySelector(".chat-log");
  const form = panel.querySelector("form");
  const input = form.querySelector("input");
  const { texts, product } = JSON.parse(document.getElementById("page-data").textContent);
  let said = [];
  let invitedBy = null;
  let cameFrom = null;

  function keep() {
    try {
      sessionStorage.setItem(KEY, JSON.stringify({ said, open: !panel.hidden }));
    } catch {
      // The conversation then ends with the page.
    }
  }

  function draw({ who, text }) {
    const line = document.createElement("li");
    line.className = `chat-${who}`;
    const name = document.createElement("b");
    name.textContent = who === "agent" ? "Sanne" : texts.chat_you;
    line.append(name, document.createTextNode(text));
    log.append(line);
    log.scrollTop = log.scrollHeight;
  }

  function say(who, text) {
    said.push({ who, text });
    draw({ who, text });
    keep();
  }

  function greeting() {
    const type = document.documentElement.dataset.pageType;
    const text = texts[`chat_greet_${type}`] || texts.chat_greet_other;
    const page = product ? product.name : document.title.replace(/ · Vloei$/, "");
    return text.replace("{page}", () => page);
  }

  function open(message) {
    if (!panel.hidden) return input.focus();
    cameFrom = document.activeElement;
    panel.hidden = false;
    if (!said.length) say("agent", greeting());
    invitedBy = message || null;
    shopbell("track", "chat_started", invitedBy ? { message: invitedBy.id } : {});
    keep();
    input.focus();
  }

  function close() {
    panel.hidden = true;
    shopbell("track", "chat_ended", invitedBy ? { message: invitedBy.id } : {});
    keep();
    if (cameFrom?.isConnected) cameFrom.focus();
  }

  shopbell("on", "chat", open);
  for (const button of document.querySelectorAll("[data-chat-open]")) button.addEventListener("click", () => open());
  panel.querySelector(".chat-close").addEventListener("click", close);
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text) return;
    say("shopper", text);
    input.value = "";
    const first = said.filter(({ who }) => who === "shopper").length === 1;
    demoClock.real.setTimeout(() => say("agent", first ? texts.chat_reply_first : texts.chat_reply_next), REPLY_MS);
  });

  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY)) || { said: [], open: false };
    said = kept.said;
    said.forEach(draw);
    panel.hidden = !kept.open;
    log.scrollTop = log.scrollHeight;
  } catch {
    said = [];
  }
}
