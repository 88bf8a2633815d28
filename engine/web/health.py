"""``/healthz``, ``/readyz`` and ``/metrics``: for whoever runs this."""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec
from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from redis.exceptions import RedisError
from sqlalchemy import func, select

from engine import hints, integration
from engine.errors import SettingsError, StoreError
from engine.integration import MailSender
from engine.pipeline import ShopRules
from engine.rules.actions import Mail
from engine.store import errands, privacy_requests, quarantine
from engine.store.database import in_transaction, reading
from engine.store.unit import DELIVERIES
from engine.web.services import Services, services

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return _json({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """Whether events can be kept now (503 when not), and what else is not as it should be."""
    house = services()
    rules = "; ".join(house.live.problems)
    reasons = {"database": _database(house), "redis": _redis(house), "rules": rules, "mail": _mail(house)}
    ready = not reasons["database"]
    wrong = {name: reason for name, reason in reasons.items() if reason}
    return _json({"ready": ready, "problems": wrong, "shops": sorted(house.live.shops())}, 200 if ready else 503)


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value, enc_hook=str), status=status, content_type="application/json")


def _database(house: Services) -> str:
    """Begins to write, because a database that can only be read keeps no event, and looks for a table of ours."""
    try:
        in_transaction(house.engine, lambda connection: connection.execute(select(DELIVERIES.c.id).limit(1)).first())
    except StoreError as error:
        return error.message
    return ""


def _redis(house: Services) -> str:
    """Redis is only a bell: without it answers go on and mails come some seconds later."""
    try:
        connection = hints.connect(house.settings.redis_url)
        kinds = [kind for kind in hints.ALLOWED if not hints.alive(connection, kind)]
    except RedisError as error:
        return f"away ({type(error).__name__}); nothing is lost, messages come later"
    return f"no worker for {', '.join(kinds)}" if kinds else ""


def _mail(house: Services) -> str:
    """A shop whose rules mail needs a carrier; without one every mail fails, which nobody should find out later."""
    if not house.settings.production:
        return ""
    problems = []
    for shop in house.live.shops().values():
        if any(isinstance(step, Mail) for rule in shop.rules.rules for step in rule.all_steps):
            problems.extend(_about_carrier(house, shop))
    return "; ".join(problems)


def _about_carrier(house: Services, shop: ShopRules) -> list[str]:
    """What stands in the way of this shop's mails."""
    stated = integration.mail_carrier(shop.rules.shop.integrations)
    environment = os.environ | ({"SMTP_URL": house.settings.smtp_url} if house.settings.smtp_url else {})
    try:
        carrier = integration.create(stated.name, stated.settings, environment)
    except SettingsError as error:
        return [f"rules that mail in {shop.id}, and {error.message}"]
    if isinstance(carrier, MailSender) and not carrier.sender:
        return [f"rules that mail in {shop.id}, and no 'from' under integrations: {stated.name}:"]
    return []


@blueprint.get("/metrics")
def metrics() -> Response:
    """Counters of this process, and what stands in the database now."""
    text = generate_latest(REGISTRY) + generate_latest(_InTheDatabase(services()))
    return Response(text, content_type=CONTENT_TYPE_LATEST)


class _InTheDatabase(CollectorRegistry):
    """What stands in the database at this moment; without one, its absence."""

    def __init__(self, house: Services) -> None:
        super().__init__()
        self._house = house

    def collect(self) -> Iterator[Metric]:
        try:
            metrics = [self._deliveries(), self._quarantined(), self._waiting_requests(), self._errands()]
        except StoreError:
            yield GaugeMetricFamily("shopbell_database_up", "Whether the database answers", value=0)
            return
        yield GaugeMetricFamily("shopbell_database_up", "Whether the database answers", value=1)
        yield from metrics

    def _quarantined(self) -> GaugeMetricFamily:
        says = "Deliveries of platforms that could not be read"
        family = GaugeMetricFamily("shopbell_quarantined", says, labels=["shop", "integration"])
        with reading(self._house.engine) as connection:
            for (shop, name), count in quarantine.count(connection).items():
                family.add_metric([shop, name], count)
        return family

    def _errands(self) -> GaugeMetricFamily:
        says = "Questions to platforms that are not answered"
        family = GaugeMetricFamily("shopbell_errands_failing", says, labels=["shop", "integration"])
        with reading(self._house.engine) as connection:
            for (shop, name), count in errands.count_failing(connection).items():
                family.add_metric([shop, name], count)
        return family

    def _waiting_requests(self) -> GaugeMetricFamily:
        says = "Exports that a platform asked for and nobody has given out"
        with reading(self._house.engine) as connection:
            waiting = privacy_requests.count_waiting(connection)
        return GaugeMetricFamily("shopbell_privacy_requests_waiting", says, value=waiting)

    def _deliveries(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily("shopbell_deliveries", "Deliveries by kind and state", labels=["kind", "state"])
        columns = DELIVERIES.c
        query = select(columns.kind, columns.state, func.count()).group_by(columns.kind, columns.state)
        with reading(self._house.engine) as connection:
            for kind, state, count in connection.execute(query):
                family.add_metric([kind, state], count)
        return family
