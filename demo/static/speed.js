// `?speed=60`: time on this page runs 60 times as fast, for people who do not want to read for 45 seconds to see
// what happens after 45 seconds. Loaded before everything else, remembered until the tab closes.
//
// Faster: performance.now, setTimeout and setInterval. Shopbell measures attention with these, so 45 engaged
// seconds pass in 0.75 s and its next check comes as much sooner.
// Not faster: Date. The times on the events stay true, so the server sees an honest clock and keeps the order.
// Rules that wait on the server (an hour after the last click) still take their hour.
// And since a shopper who sits still counts as gone after 30 seconds, which is now half a second: as long as a
// real person did something in the last 30 real seconds, the page repeats that sign of life.
"use strict";
{
  const KEY = "vloei.speed";
  const IDLE_MS = 30_000;
  const REPEAT_MS = 5_000;
  const SIGNS = ["pointerdown", "pointermove", "keydown", "wheel", "scroll", "touchstart"];
  const FASTEST = 600;

  const asked = Number(new URLSearchParams(location.search).get("speed"));
  const allowed = (speed) => (speed >= 1 && speed <= FASTEST ? speed : 0);
  try {
    if (allowed(asked)) sessionStorage.setItem(KEY, String(asked));
  } catch {
    // No storage: the speed holds for this page only.
  }
  const remembered = () => {
    try {
      return allowed(Number(sessionStorage.getItem(KEY)));
    } catch {
      return 0;
    }
  };
  const speed = allowed(asked) || remembered() || 1;

  const real = {
    now: performance.now.bind(performance),
    setTimeout: window.setTimeout.bind(window),
    setInterval: window.setInterval.bind(window),
  };
  window.demoClock = { speed, real };

  if (speed > 1) {
    const start = real.now();
    performance.now = () => start + (real.now() - start) * speed;
    window.setTimeout = (run, ms, ...rest) => real.setTimeout(run, (ms || 0) / speed, ...rest);
    window.setInterval = (run, ms, ...rest) => real.setInterval(run, (ms || 0) / speed, ...rest);

    let lastSign = start;
    const sign = (event) => {
      if (event.isTrusted) lastSign = real.now();
    };
    for (const name of SIGNS) window.addEventListener(name, sign, { capture: true, passive: true });
    window.setInterval(() => {
      if (real.now() - lastSign < IDLE_MS) window.dispatchEvent(new Event("pointermove"));
    }, REPEAT_MS);
  }
}
