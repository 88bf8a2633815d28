"""What ``/metrics`` shows, in Prometheus' words."""

from __future__ import annotations

from prometheus_client import Counter

EVENTS = Counter("shopbell_events", "Events by what became of them", ["result"])
REFUSED = Counter("shopbell_requests_refused", "Requests that were refused, by code", ["code"])
HOOKS_REFUSED = Counter("shopbell_hooks_refused", "Deliveries that were refused, by reason", ["integration", "reason"])
HOOKS = Counter("shopbell_hooks", "Deliveries of platforms by what became of them", ["integration", "result"])

_ACCEPTED, _DUPLICATE, _REJECTED = (EVENTS.labels(result) for result in ("accepted", "duplicate", "rejected"))


def count_events(accepted: int, duplicates: int, rejected: int) -> None:
    """Count what became of a batch."""
    _ACCEPTED.inc(accepted)
    if duplicates:
        _DUPLICATE.inc(duplicates)
    if rejected:
        _REJECTED.inc(rejected)
