/** Where the card may stand: never over a cookie banner, a bar to the checkout, or what the shop marked. */

const LOOK_AGAIN_MS = 1000;
/** Spots of the card, in parts of its width and height. */
const SPOTS = [0.1, 0.5, 0.9];

/** How far up the card must go to stand clear of what covers the page there, in pixels. @param {HTMLElement} host */
function lift(host) {
  const box = host.getBoundingClientRect();
  let up = 0;
  for (const x of SPOTS) {
    for (const y of SPOTS) {
      const stack = document.elementsFromPoint(box.x + box.width * x, box.y + box.height * y);
      /** @type {Element | null | undefined} */
      let other = stack.find((element) => element != host);
      for (; other; other = other.parentElement) {
        const stands = other.matches("[data-shopbell-avoid]") || getComputedStyle(other).position == "fixed";
        // Some shops live in a fixed frame as a whole: what holds the page does not cover it.
        if (stands && !other.querySelector("main,h1")) up = Math.max(up, innerHeight - other.getBoundingClientRect().y);
      }
    }
  }
  return up;
}

/**
 * Shows the card as soon as there is room, and says so.
 * @param {HTMLElement} host @param {() => void} placed @returns {() => void} stops waiting
 */
export function takePlace(host, placed) {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const look = () => {
    document.body.append(host);
    const up = lift(host);
    if (up + host.offsetHeight < innerHeight) {
      host.style.setProperty("--up", up + "px");
      placed();
    } else {
      host.remove();
      timer = setTimeout(look, LOOK_AGAIN_MS);
    }
  };
  look();
  return () => clearTimeout(timer);
}
