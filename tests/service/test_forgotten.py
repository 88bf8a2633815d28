"""Whoever is forgotten is in no row, no queue and no log any more, whatever a shop on each platform had heard."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.store.unit import EVENTS, PEOPLE
from tests.service.canaries import bytes_on_disk, kept_about_her, told_to_redis, traces_in
from tests.service.canary_shop import CanaryShop, Side, canary_shop

PLATFORMS = ("shopify", "lightspeed", "ecwid", "woocommerce")
Captured = pytest.CaptureFixture[str]


@pytest.fixture(params=PLATFORMS)
def there(
    request: pytest.FixtureRequest, tmp_path: Path, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Iterator[tuple[CanaryShop, Side]]:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    with canary_shop(request.param, tmp_path, database_url, redis_url, monkeypatch) as opened:
        yield opened


def test_a_redaction_leaves_no_trace_of_her_and_spares_her_neighbour(
    there: tuple[CanaryShop, Side], redis_url: str, capfd: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    shop, side = there
    shop.is_visited(*side.refs)
    side.happens(shop)
    told = kept_about_her(shop.engine, "ink")
    assert {"events", "visitors", "people", "identities", "aliases", "quarantine", "decisions", "deliveries"} <= {
        row.partition(":")[0] for row in told
    }, sorted({row.partition(":")[0] for row in told})
    side.forgets(shop)
    left = kept_about_her(shop.engine, "ink")
    assert left == [], "\n".join(left)
    assert traces_in(bytes_on_disk(shop.engine)) == []
    assert traces_in(told_to_redis(redis_url)) == []
    said = capfd.readouterr()
    # The relay on the other side of the line is not Shopbell, and says whom it takes mail for.
    logged = [record.getMessage() for record in caplog.records if record.name != "mail.log"]
    assert traces_in("\n".join([said.out, said.err, *logged])) == []
    assert traces_in(shop.client.get("/metrics").text + shop.client.get("/readyz").text) == []
    assert [row.id for row in shop.rows(PEOPLE)] != []
    assert any(row.visitor == "neighbour-1" for row in shop.rows(EVENTS))
