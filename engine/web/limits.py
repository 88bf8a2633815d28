"""How fast one visitor, or one network address, may knock; kept in the process, so that it works without Redis."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from engine.errors import TooManyRequests

BURST_S = 6.0
MOST_KEPT = 50_000


class TokenBuckets:
    """Many buckets of one size: ``rate`` a second for long, six seconds' worth at once; 0 lets everything through."""

    def __init__(self, rate: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, who: str) -> None:
        """Raises TooManyRequests when the bucket is empty."""
        if not self._rate:
            return
        now = self._monotonic()
        with self._lock:
            level, since = self._buckets.pop(who, (self._rate * BURST_S, now))
            level = min(self._rate * BURST_S, level + (now - since) * self._rate)
            # A refusal costs nothing: whoever knocks too fast gets through at the rate, and not never.
            self._buckets[who] = (level - 1.0 if level >= 1.0 else level, now)
            if len(self._buckets) > MOST_KEPT:
                self._buckets.popitem(last=False)
        if level < 1.0:
            raise TooManyRequests("too many requests; wait a moment", retry_after_s=1)


class RateLimits:
    def __init__(self, visitor_rate: int, address_rate: int) -> None:
        self.visitors = TokenBuckets(visitor_rate)
        self.addresses = TokenBuckets(address_rate)
