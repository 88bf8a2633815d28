// Behind the scenes: what left this browser, what Shopbell answered, and what its rules make of it. It listens from
// the head of the page so that it misses nothing, and draws once the page is there. No shop would have this.
"use strict";
{
  const OPEN = "vloei.drawer";
  const LOG = "vloei.log";
  const KEPT = 40;
  const TICK_MS = 200;
  const LOOK_MS = 5000;
  const SURPRISES = { message: "drawer_message_shown", dismiss: "drawer_dismissed", chat: "drawer_accepted_chat", restore: "drawer_restored" };

  const load = (key) => {
    try {
      return JSON.parse(sessionStorage.getItem(key));
    } catch {
      return null;
    }
  };
  const keep = (key, value) => {
    try {
      sessionStorage.setItem(key, JSON.stringify(value));
    } catch {
      // Then it is forgotten with the page.
    }
  };

  const log = load(LOG) || [];
  let draw = () => {};
  let facts = null;
  window.demoVisitor = log.findLast?.((entry) => entry.visitor)?.visitor;

  function note(entry) {
    log.push({ at: Date.now(), ...entry });
    log.splice(0, log.length - KEPT);
    keep(LOG, log);
    draw(log[log.length - 1]);
  }

  const html = document.documentElement;
  const wanted = load(OPEN);
  const wide = matchMedia("(min-width: 1240px)").matches;
  html.classList.add("has-script");
  html.classList.toggle("drawer-open", wanted === null ? wide : wanted && wide);

  shopbell("on", "sent", (body) => {
    window.demoVisitor = body.visitor;
    note({ kind: "sent", visitor: body.visitor, body });
  });
  shopbell("on", "answer", (answer) => {
    note({ kind: "answer", body: answer });
    expect(answer);
    askWhy();
  });
  for (const name of Object.keys(SURPRISES)) shopbell("on", name, (body) => note({ kind: "note", name, body }));
  shopbell("on", "error", (error) => {
    note({ kind: "error", body: error instanceof Error ? { message: String(error) } : error });
  });

  // --- the next look -------------------------------------------------------------------------------------------------

  let check = null;
  function expect(answer) {
    const known = typeof answer.next_check_ms === "number";
    check = { left: known ? answer.next_check_ms : null, engaged: answer.check_on === "engaged", seen: performance.now() };
    drawCheck();
  }

  let drawCheck = () => {};

  // --- what the rules say --------------------------------------------------------------------------------------------

  let asking = false;
  let silent = false;
  let drawRules = () => {};
  async function askWhy() {
    if (asking || silent || !facts || !window.demoVisitor || !html.classList.contains("drawer-open")) return;
    asking = true;
    try {
      const answer = await fetch(`${facts.whyUrl}${encodeURIComponent(window.demoVisitor)}.json?language=${html.lang}`);
      silent = !answer.ok;
      drawRules(answer.ok ? (await answer.json()).rules : []);
    } catch {
      drawRules([]);
    }
    asking = false;
  }

  // --- drawing -------------------------------------------------------------------------------------------------------

  function element(name, className, text) {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  const clock = (at) => new Date(at).toLocaleTimeString(html.lang, { hour12: false });

  // The hour, and the day where it is another.
  function moment(at) {
    const day = { weekday: "long", day: "numeric", month: "long" };
    const [today, then] = [Date.now(), at].map((time) => new Date(time).toLocaleDateString(html.lang, day));
    return today === then ? clock(at) : `${then} ${clock(at)}`;
  }

  function span(ms) {
    const seconds = Math.max(0, Math.round(ms / 1000));
    const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    return (h ? `${h}:${String(m).padStart(2, "0")}` : `${m}`) + `:${String(s).padStart(2, "0")}`;
  }

  function fold(summary, content) {
    const details = element("details");
    const head = element("summary");
    head.append(...summary);
    details.append(head, element("pre", "", JSON.stringify(content, null, 2)));
    return details;
  }

  // What of an event a person wants to see without unfolding it.
  function gist(event) {
    const { product, cart, shipping, order, page } = event;
    if (order) return `${order.id}, ${order.total} ${order.currency}`;
    if (shipping) return `${shipping.method}: ${shipping.price} ${shipping.currency}`;
    if (product) return product.name;
    if (event.step) return event.step;
    if (cart) return cart.lines.length ? cart.lines.map((line) => `${line.quantity} × ${line.name}`).join(", ") : "∅";
    if (event.type === "checked_in") return `${Math.round(event.engaged_ms / 1000)} s`;
    if (event.email) return event.consent?.email ? "✓ e-mail" : "e-mail";
    return page?.type || "";
  }

  // What left as the page closed is sent again by the next one, with the same id: Shopbell counts it once.
  const seen = new Set();

  function sentLines(entry, t) {
    return entry.body.events.map((event) => {
      const again = seen.has(event.id);
      seen.add(event.id);
      const row = element("li", again ? "log-sent log-again" : "log-sent");
      const name = element("code", "", event.type);
      row.append(fold([element("span", "arrow-out", "→"), name, element("span", "gist", again ? t.drawer_again : gist(event)), element("time", "", clock(entry.at))], event));
      return row;
    });
  }

  function answerLine({ body, at }, t) {
    const { accepted = 0, duplicates = 0, rejected = [], warnings = [], messages = [] } = body;
    const parts = [t.drawer_accepted.replace("{n}", accepted)];
    if (duplicates) parts.push(t.drawer_duplicates.replace("{n}", duplicates));
    const row = element("li", `log-answer${rejected.length ? " log-wrong" : ""}${messages.length ? " log-message" : ""}`);
    const head = [element("span", "arrow-in", "←"), element("span", "gist", parts.join(", ")), element("time", "", clock(at))];
    const details = fold(head, body);
    row.append(details);
    for (const { code, field, message } of rejected) {
      row.append(element("p", "said-wrong", `${t.drawer_rejected}: ${field || code}: ${message}`));
    }
    for (const { code, message } of warnings) row.append(element("p", "said", `${t.drawer_warning}: ${message || code}`));
    for (const { rule, text } of messages) row.append(element("p", "said-message", `${t.drawer_message} (${rule}): “${text}”`));
    return row;
  }

  function noteLine({ kind, name, body, at }, t) {
    const wrong = kind === "error";
    const row = element("li", wrong ? "log-answer log-wrong" : "log-answer log-message");
    const label = wrong ? `${t.drawer_error}: ${body?.code || body?.message || ""}` : t[SURPRISES[name]];
    row.append(fold([element("span", "arrow-in", wrong ? "!" : "★"), element("span", "gist", label), element("time", "", clock(at))], body ?? null));
    return row;
  }

  // What a rule does, in one line of the shopper's language: the clause it waits for, or when it does what.
  function inShort({ state, why, at, clauses = [] }, t) {
    const open = clauses.find(({ depth, verdict }) => !depth && verdict !== "met");
    if (open && (state === "not_yet" || state === "not_met")) return t.drawer_waits.replace("{what}", () => open.text);
    if (at && state === "fired") return t.drawer_fired.replace("{t}", moment(at));
    if (at && state === "running") return t.drawer_running.replace("{t}", moment(at));
    if (state === "met") return t.drawer_met;
    // What a guard says stands in the server's words; its hours are put on the shopper's clock.
    return why.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (text) => moment(Date.parse(text)));
  }

  // Reading time goes on only while somebody reads, so there is no hour to name for it.
  const hasHour = ({ state, at, clauses = [] }) =>
    at > Date.now() && state !== "running" && !clauses.some(({ text, verdict }) => verdict === "not_yet" && text.startsWith("on_page"));

  function rule(view, t, wasOpen) {
    const { name, state, at, clauses = [] } = view;
    const row = element("li", `rule rule-${state}`);
    const details = element("details");
    details.open = wasOpen;
    details.dataset.rule = name;
    const head = element("summary");
    head.append(element("b", "", name), element("span", "badge", t[`state_${state}`] || state), element("span", "why", inShort(view, t)));
    if (hasHour(view)) head.append(element("span", "why", t.drawer_at.replace("{t}", moment(at))));
    const list = element("ul", "clauses");
    for (const { text, verdict, seen: saw, wanted: need } of clauses) {
      const line = element("li", `clause-${verdict}`, text);
      if (saw) line.append(element("span", "seen", ` ${t.drawer_seen} ${saw}`));
      if (need) line.append(element("span", "seen", ` · ${t.drawer_wanted} ${need}`));
      list.append(line);
    }
    details.append(head, list);
    row.append(details);
    return row;
  }

  function start() {
    facts = JSON.parse(document.getElementById("page-data").textContent);
    const t = facts.texts;
    const drawer = document.getElementById("drawer");
    const [show, hide] = [document.getElementById("drawer-show"), document.getElementById("drawer-hide")];
    const [list, empty, count] = ["log", "log-empty", "corner-count"].map((id) => document.getElementById(id));
    const next = document.getElementById("next-check");

    // --- open and closed ---

    function turn(open, focus) {
      html.classList.toggle("drawer-open", open);
      show.setAttribute("aria-expanded", String(open));
      drawer.inert = !open;
      if (focus) (open ? hide : show).focus();
      if (open) {
        count.hidden = true;
        askWhy();
      }
    }
    turn(html.classList.contains("drawer-open"), false);
    const press = (open) => {
      keep(OPEN, open);
      turn(open, true);
    };
    show.addEventListener("click", () => press(true));
    hide.addEventListener("click", () => press(false));
    drawer.addEventListener("keydown", (event) => {
      if (event.key === "Escape") press(false);
    });

    // --- there and back ---

    draw = (entry) => {
      empty.hidden = true;
      const rows = entry.kind === "sent" ? sentLines(entry, t) : [entry.kind === "answer" ? answerLine(entry, t) : noteLine(entry, t)];
      for (const row of rows) list.prepend(row);
      if (!html.classList.contains("drawer-open")) {
        count.hidden = false;
        count.textContent = String(Number(count.textContent || 0) + rows.length);
      }
    };
    for (const entry of log) draw(entry);
    count.hidden = true;
    count.textContent = "";
    document.getElementById("log-clear").addEventListener("click", () => {
      log.length = 0;
      keep(LOG, log);
      list.replaceChildren();
      empty.hidden = false;
    });

    drawCheck = () => {
      next.hidden = !check;
      if (!check) return;
      if (check.left === null) next.textContent = t.drawer_next_none;
      else next.textContent = t.drawer_next.replace("{t}", span(check.left)) + (check.engaged ? ` (${t.drawer_next_engaged})` : "");
    };
    drawRules = (rules) => {
      const section = document.getElementById("rules");
      const place = document.getElementById("rules-list");
      const open = new Set([...place.querySelectorAll("details[open]")].map((one) => one.dataset.rule));
      section.hidden = !rules.length;
      // What has begun comes before what has nothing to do with this visit.
      const order = [...rules].sort((one, other) => (one.state === "not_met") - (other.state === "not_met"));
      place.replaceChildren(...order.map((one) => rule(one, t, open.has(one.name))));
    };

    // --- the clocks ---

    const fast = document.getElementById("speed-clock");
    const opened = performance.now();
    fast.hidden = demoClock.speed === 1;
    fast.querySelector("span").textContent = `${t.speed_on_page}, ${t.speed_note.replace("{x}", demoClock.speed)}`;
    demoClock.real.setInterval(() => {
      if (!fast.hidden) fast.querySelector("b").textContent = span(performance.now() - opened);
      if (!check || check.left === null) return;
      const now = performance.now();
      const counts = document.visibilityState === "visible" && (!check.engaged || document.hasFocus());
      if (counts) check.left = Math.max(0, check.left - (now - check.seen));
      check.seen = now;
      drawCheck();
    }, TICK_MS);
    // The server's own clock decides things too (a mail an hour later): look again now and then.
    demoClock.real.setInterval(() => document.visibilityState === "visible" && askWhy(), LOOK_MS);
    askWhy();
    counter(t);
  }

  // --- who is behind the counter -------------------------------------------------------------------------------------

  function counter(t) {
    const form = document.getElementById("counter");
    const state = form.querySelector(".counter-state");
    const button = form.querySelector("button");
    const say = async (open) => {
      const body = new URLSearchParams({ open: open ? "yes" : "no", next: location.pathname });
      const answer = await fetch(facts.counterUrl, { method: "POST", body, headers: { Accept: "application/json" } });
      const heard = answer.ok && (await answer.json()).open;
      if (typeof heard !== "boolean") return;
      form.dataset.open = heard ? "yes" : "no";
      state.textContent = heard ? t.counter_open : t.counter_closed;
      button.textContent = heard ? t.counter_leave : t.counter_come;
      button.value = heard ? "no" : "yes";
      askWhy();
    };
    const tell = (open) => say(open).catch(() => note({ kind: "error", body: { code: "counter" } }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      tell(button.value === "yes");
    });
    // A shop that opens its doors has somebody in it: the first page says so, once.
    if (form.dataset.open === "unknown") tell(true);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
}
