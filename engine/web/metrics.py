"""What ``/metrics`` shows, in Prometheus' words."""

from __future__ import annotations

from prometheus_client import Counter

EVENTS = Counter("shopbell_events", "Events by what became of them", ["result"])
REFUSED = Counter("shopbell_requests_refused", "Requests that were refused, by code", ["code"])
