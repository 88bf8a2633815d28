/** Invitations from the server's answers: each once over all tabs, only before eyes that can see it. */

import { showCard } from "./card.js";

/** @param {Kit} kit @returns {Ui} */
export function makeBell({ language, claim, report }) {
  /** @type {Message[]} */
  let queue = [];
  /** @type {(() => void) | null} */
  let takeAway = null;

  async function next() {
    if (takeAway || !queue.length || document.visibilityState != "visible") return;
    const message = /** @type {Message} */ (queue.shift());
    takeAway = () => {};
    if ((await claim(message)) && takeAway) {
      takeAway = showCard(message, message.language || language(), (what, action) => {
        if (what != "shown") takeAway = null;
        if (what == "dismissed") queue = []; // a no is a no to what else was waiting
        report(message, what, action);
        next();
      });
    } else {
      takeAway = null;
      next();
    }
  }

  document.addEventListener("visibilitychange", next);

  return {
    receive(messages) {
      queue.push(...messages.filter(({ kind }) => kind == "invite" || kind == "nudge"));
      next();
    },
    clear() {
      queue = [];
      if (takeAway) takeAway();
      takeAway = null;
    },
  };
}
