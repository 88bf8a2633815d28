"""A WooCommerce shop's API, as WordPress reads a question, for tests without a network."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import msgspec

from engine.http import Answered
from engine.integration import create
from integrations.woocommerce import WooCommerce
from tests.unit.integrations.cases import FIXTURES, settings_of

Json = dict[str, object]
SITE = "https://winkel.example/shop"
KEYED = {"site": SITE, "consumer_key": "ck_1", "consumer_secret": "cs_2"}
ADDRESS = "https://bell.example/hooks/woocommerce/main"
START = datetime(2026, 11, 22, 10, tzinfo=UTC)


def shop(**settings: str) -> WooCommerce:
    made = create("woocommerce", settings_of("woocommerce") | KEYED | settings, {})
    assert isinstance(made, WooCommerce)
    return made


def gmt(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


class Far:
    """The shop's API: orders that change, webhooks that stand there. It is asked as WordPress reads a question."""

    def __init__(self, *, missing_hour: str = "") -> None:
        self._missing_hour = missing_hour
        self.orders: dict[int, datetime] = {}
        self.webhooks: dict[int, Json] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.answers: list[Answered] = []

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answered:
        parts = urlsplit(url)
        assert url.startswith(f"{SITE}/wp-json/wc/v3/")
        self.check_key(method, url, headers)
        path, query = parts.path.removeprefix("/shop/wp-json/wc/v3/"), dict(parse_qsl(parts.query))
        self.asked.append((method, path, query))
        if self.answers:
            return self.answers.pop(0)
        said = msgspec.json.decode(body, type=Json) if body else {}
        if path == "customers":
            return Answered(200, msgspec.json.encode(self._accounts(query)))
        told = self._orders(query) if path == "orders" else self._webhooks(method, path, query, said)
        return Answered(201 if method == "POST" else 200, msgspec.json.encode(told))

    def check_key(self, method: str, url: str, headers: Mapping[str, str]) -> None:
        assert headers["Authorization"] == "Basic " + base64.b64encode(b"ck_1:cs_2").decode()
        assert "ck_" not in url

    def _accounts(self, query: Mapping[str, str]) -> list[Json]:
        assert (query["role"], query["orderby"]) == ("all", "id")
        size, page = int(query["per_page"]), int(query["page"])
        body: Json = msgspec.json.decode((FIXTURES / "woocommerce" / "bodies" / "unsubscribed.json").read_bytes())
        return [body | {"id": name} for name in range(1, 131)][size * (page - 1) : size * page]

    def _orders(self, query: Mapping[str, str]) -> list[Json]:
        assert (query["orderby"], query["status"]) == ("modified", "any")
        after = query.get("modified_after", "")
        if after:
            # With a zone WordPress would turn it into the shop's own time.
            assert (query["dates_are_gmt"], len(after)) == ("true", len("2026-11-22T10:00:00"))
        if self._missing_hour and after.startswith(self._missing_hour):
            after = gmt(datetime.fromisoformat(after) + timedelta(hours=1))
        changed = sorted((gmt(at), name) for name, at in self.orders.items() if gmt(at) > after)
        if query["order"] == "desc":
            changed.reverse()
        size, page = int(query["per_page"]), int(query.get("page", "1"))
        return [self._order(name, at) for at, name in changed[size * (page - 1) : size * page]]

    def _order(self, name: int, at: str) -> Json:
        body: Json = msgspec.json.decode((FIXTURES / "woocommerce" / "bodies" / "order_created.json").read_bytes())
        return body | {"id": name, "date_modified_gmt": at}

    def _webhooks(self, method: str, path: str, query: Mapping[str, str], said: Json) -> object:
        name = int(path.partition("/")[2] or 0)
        if method == "GET":
            assert query["status"] == "all"
            size, page = int(query["per_page"]), int(query["page"])
            return list(self.webhooks.values())[size * (page - 1) : size * page]
        if method == "DELETE":
            assert query["force"] == "true"
            return self.webhooks.pop(name)
        name = name or max(self.webhooks, default=0) + 1
        self.webhooks[name] = self.webhooks.get(name, {}) | said | {"id": name}
        return {key: value for key, value in self.webhooks[name].items() if key != "secret"}


def without(name: str) -> WooCommerce:
    told = {key: value for key, value in (settings_of("woocommerce") | KEYED).items() if key != name}
    made = create("woocommerce", told, {})
    assert isinstance(made, WooCommerce)
    return made
