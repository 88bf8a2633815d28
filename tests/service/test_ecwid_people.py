"""What people, and shops at their end, ask of whoever knows them: told by Ecwid, carried out here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.clock import DAY
from engine.store import privacy, privacy_requests
from engine.store.unit import VISITORS
from tests.service.doors import cart_updated, happened
from tests.service.ecwid_shop import Shop, is_left, open_shop
from tests.service.ecwid_store import (
    ADDRESS,
    CART,
    its_order,
)

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def shop(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with open_shop(tmp_path, database_url, monkeypatch) as opened:
        yield opened


def test_a_removal_leaves_no_trace_and_what_was_read_before_is_not_read_again(shop: Shop) -> None:
    shop.store.there["customers/5001"] = {"id": 5001, "email": ADDRESS}
    shop.store.there["orders/XJ12H"] = its_order()
    is_left(shop)
    shop.hears("order.created", 103878161, orderId="XJ12H")
    shop.asks()
    assert ADDRESS in shop.everything()
    shop.hears("customer.personal_data_removal_request", 5001)
    shop.asks()
    left = shop.everything()
    traces = (ADDRESS, "Sanne", CART, "XJ12H", "103878161", "5001", "Koptelefoon")
    assert [trace for trace in traces if trace in left] == []
    assert shop.rows(VISITORS) == []
    [request] = privacy_requests.everything(shop.engine)
    assert (request.kind, request.done_at is not None, request.rows > 5) == ("erase", True, True)


def test_whom_ecwid_has_removed_already_is_found_by_the_number_alone(shop: Shop) -> None:
    """On every device: the address was told with the number before, and a page knows the address only."""
    is_left(shop)
    consent = {"email": True, "text": "Ja", "source": "footer"}
    for device in ("phone-of-sanne", "laptop-of-sanne"):
        shop.send(happened("contact_given", email=ADDRESS, consent=consent), cart_updated(), visitor=device)
    shop.send(cart_updated(), visitor="somebody-else")
    shop.store.there.clear()
    shop.hears("customer.personalDataRemovalRequest", 5001)
    shop.asks()
    assert [row.id for row in shop.rows(VISITORS)] == ["somebody-else"]
    assert [trace for trace in (ADDRESS, "Sanne", CART, "5001", "of-sanne") if trace in shop.everything()] == []


def test_from_where_and_with_what_somebody_ordered_is_written_nowhere(shop: Shop) -> None:
    machine = {"ipAddress": "192.0.2.10", "customerUserAgent": "Mozilla/5.0 (Ink)", "ip": "192.0.2.10"}
    shop.store.there["orders/XJ12H"] = its_order(**machine)
    is_left(shop, **machine)
    shop.hears("order.created", 103878161, orderId="XJ12H")
    shop.asks()
    assert "XJ12H" in shop.everything()
    assert [trace for trace in ("192.0.2.10", "Mozilla") if trace in shop.everything()] == []


@pytest.mark.parametrize("event", ["customer.personalDataExportRequest", "customer.personal_data_export_request"])
def test_an_export_waits_for_whoever_gives_it_out(shop: Shop, event: str) -> None:
    shop.store.there["customers/5001"] = {"id": 5001, "email": ADDRESS}
    is_left(shop)
    shop.hears(event, 5001)
    shop.asks()
    [request] = privacy_requests.everything(shop.engine)
    assert (request.kind, request.done_at) == ("export", None)
    assert request.person is not None
    given = msgspec.json.encode(privacy.export(shop.engine, "ink", request.person), order="sorted").decode()
    assert [told for told in (ADDRESS, "5001", CART, "Koptelefoon") if told not in given] == []


def test_a_store_that_takes_the_app_out_is_told_of(shop: Shop, capsys: Captured) -> None:
    shop.hears("application.uninstalled", "1003")
    shop.store.refuse_with = 403, {}
    shop.asks()
    assert "the platform disconnected the shop" in capsys.readouterr().out


def test_a_store_that_is_to_be_forgotten_is_once_it_has_really_gone(shop: Shop) -> None:
    is_left(shop)
    shop.hears("profile.personalDataRemovalRequest", 1003)
    shop.asks()
    shop.store.refuse_with = 403, {}
    for _ in range(2):
        assert len(shop.rows(VISITORS)) == 1
        shop.hands.now += DAY
        shop.asks()
    assert shop.rows(VISITORS) == []
