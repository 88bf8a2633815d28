/** Invitations from the server's answers: each once over all tabs, only before eyes that can see it. */

import { showCard } from "./card.js";

/** @param {Kit} kit @returns {Ui} */
export function makeBell({ config, emit, fire, claim }) {
  /** @type {Message[]} */
  let queue = [];
  /** @type {(() => void) | null} */
  let takeAway = null;

  async function next() {
    if (takeAway || !queue.length || document.visibilityState != "visible") return;
    const message = /** @type {Message} */ (queue.shift());
    takeAway = () => {};
    if ((await claim(message)) && takeAway) {
      fire("message", message);
      takeAway = showCard(message, message.language || config.language || document.documentElement.lang, reporter(message));
    } else {
      takeAway = null;
      next();
    }
  }

  /** @param {Message} message @returns {Tell} */
  const reporter = (message) => (what, action) => {
    emit("message_" + what, { message: message.id, action });
    if (what == "shown") return;
    takeAway = null;
    if (what == "dismissed") {
      queue = []; // a no is a no to what else was waiting
      fire("dismiss", message);
    } else if (action == "chat") {
      fire("chat", message);
    }
    next();
  };

  document.addEventListener("visibilitychange", next);

  return {
    receive(messages) {
      queue.push(...messages.filter(({ kind }) => kind == "invite"));
      next();
    },
    clear() {
      queue = [];
      if (takeAway) takeAway();
      takeAway = null;
    },
  };
}
