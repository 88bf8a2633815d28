"""Shopify's side of the line: the token and the GraphQL address, with answers that a test gives."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from engine.http import Answered
from engine.integration import create
from integrations.shopify import Shopify
from tests.unit.integrations.cases import settings_of

Json = dict[str, object]


class Shopify2026:
    """The far side of the line: a token, then the answers one after the other, the last one for ever."""

    def __init__(self, *answers: Answered, token_lasts_s: int = 86_399, admin_token: str = "") -> None:
        self.answers = list(answers)
        self.tokens = 0
        self.asked: list[Json] = []
        self.queries: list[str] = []
        self._lasts_s, self._admin_token = token_lasts_s, admin_token

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answered:
        told: Json = msgspec.json.decode(body)
        assert (method, headers["Content-Type"]) == ("POST", "application/json")
        if url == "https://voorbeeld.myshopify.com/admin/oauth/access_token":
            assert told == {
                "client_id": "app-7",
                "client_secret": "hush-the-new-one",
                "grant_type": "client_credentials",
            }
            self.tokens += 1
            token = {"access_token": f"token-{self.tokens}", "expires_in": self._lasts_s}
            return Answered(200, msgspec.json.encode(token))
        assert url == "https://voorbeeld.myshopify.com/admin/api/2026-07/graphql.json"
        assert headers["X-Shopify-Access-Token"] == (self._admin_token or f"token-{self.tokens}")
        variables = told["variables"]
        assert isinstance(variables, dict)
        self.asked.append(variables)
        self.queries.append(str(told["query"]))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def shop(environment: Mapping[str, str] | None = None, /, **settings: str) -> Shopify:
    made = create("shopify", settings_of("shopify") | {"client_id": "app-7"} | settings, environment or {})
    assert isinstance(made, Shopify)
    return made


def answered(data: Json, *, available: int = 1_000) -> Answered:
    """An answer to a query that cost 502 points at most."""
    cost = {
        "requestedQueryCost": 502,
        "actualQueryCost": 7,
        "throttleStatus": {"maximumAvailable": 1000.0, "currentlyAvailable": available, "restoreRate": 50.0},
    }
    return Answered(200, msgspec.json.encode({"data": data, "extensions": {"cost": cost}}))


def refused(code: str) -> Answered:
    """An error at status 200."""
    return Answered(200, msgspec.json.encode({"errors": [{"message": "canary", "extensions": {"code": code}}]}))
