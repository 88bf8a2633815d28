"""Shopify's GraphQL API: a token that is renewed, and pages at the pace that the shop's points allow.

https://shopify.dev/docs/api/usage/limits: every query costs points, a bucket of them fills up at so many a second. What
is too much comes back as an error although the status says 200; the answer tells how long to wait.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from engine.errors import CallError, Throttled
from engine.integration import Call, json_object, stopwatch
from integrations.shopify.body import Json, amount, group, groups, text, whole

_RENEW_BEFORE_S = 300.0
_PAGE = 25
_PATIENCE_MS = 2_000
"""Where the answer does not say how long to wait."""
_UNKNOWN = "are client_id and client_secret of the same app, and is it installed in {shop}?"
_NO_TOKEN = dict.fromkeys((400, 401, 403), _UNKNOWN) | {404: "there is no shop {shop}"}
_NO_ANSWER = {
    401: "its token is good no longer: is the app still installed in {shop}?",
    402: "{shop} has to pay Shopify first",
    403: "the app may ask nothing in {shop}",
    404: "there is no shop {shop}, or no such api_version",
    423: "{shop} is locked",
}
_JSON = {"Content-Type": "application/json", "Accept": "application/json"}


class TooDear(CallError):
    """One query would cost more points than any may; nothing was paid."""


class NotThere(CallError):
    """What was asked for does not exist."""


class Api:
    """One shop's API, with the client credentials of the app that is installed there; or with the ``admin_token`` of an
    app that was made in the shop's admin, which lasts.

    ``page_size`` is for how many of something a page asks. How Shopify reckons their cost it does not say in full, so
    it begins with many and learns.
    """

    def __init__(self, shop: str, client_id: str, client_secret: str, version: str, admin_token: str = "") -> None:
        self.page_size = _PAGE
        self._admin_token = admin_token
        self._shop, self._version = shop, version
        self._credentials = {"client_id": client_id, "client_secret": client_secret}
        self._token: tuple[str, float] | None = None

    def wants_less(self) -> bool:
        """Ask for half as many from now on; False when it was one already."""
        smaller = self.page_size // 2
        self.page_size = max(1, smaller)
        return smaller > 0

    def query(self, call: Call, query: str, variables: Mapping[str, object]) -> tuple[Json, int]:
        """The answer's data, and how many milliseconds to wait before asking as much again.

        Raises Throttled, CallError (TooDear), and Unreadable.
        """
        body = msgspec.json.encode({"query": query, "variables": variables})
        url = f"https://{self._shop}/admin/api/{self._version}/graphql.json"
        answered = call("POST", url, _JSON | {"X-Shopify-Access-Token": self._get_token(call)}, body)
        if answered.status == 401:
            self._token = None  # taken back, or the secret was replaced: the next try asks for another
        if answered.status == 429:
            raise Throttled(_seconds(answered.headers.get("retry-after")))
        if answered.status != 200:
            raise CallError(f"Shopify was asked and {_in_words(answered.status, self._shop, _NO_ANSWER)}")
        told = json_object(answered.body)
        wait_ms = _wait_ms(told)
        _look_for_errors(told, wait_ms)
        return group(told, "data"), wait_ms

    def change(self, call: Call, mutation: str, variables: Mapping[str, object]) -> None:
        """Have a mutation carried out of which the answer is called ``done``.

        Raises CallError with ``refused`` and Shopify's own words where it says no, else as :meth:`query`.
        """
        data, _ = self.query(call, mutation, variables)
        problems = [text(error, "message") or "an error" for error in groups(group(data, "done"), "userErrors")]
        if problems:
            raise CallError("; ".join(problems)[:200], refused=True)

    def _get_token(self, call: Call) -> str:
        """https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/client-credentials-grant."""
        if self._admin_token:
            return self._admin_token
        if self._token is not None and stopwatch() < self._token[1]:
            return self._token[0]
        body = msgspec.json.encode(self._credentials | {"grant_type": "client_credentials"})
        answered = call("POST", f"https://{self._shop}/admin/oauth/access_token", _JSON, body)
        if answered.status != 200:
            raise CallError(f"Shopify gave no token: {_in_words(answered.status, self._shop, _NO_TOKEN)}")
        told = json_object(answered.body)
        token = text(told, "access_token")
        if token is None:
            raise CallError("Shopify gave no token")
        lasts_s = max(0.0, (whole(told, "expires_in") or 0) - _RENEW_BEFORE_S)
        self._token = token, stopwatch() + lasts_s
        return token


def _in_words(status: int, shop: str, causes: Mapping[int, str]) -> str:
    """A status that is no answer, for whoever looks after the shop."""
    cause = causes.get(status)
    return f"it answered {status}" + (f"; {cause.format(shop=shop)}" if cause else "")


def _look_for_errors(told: Json, wait_ms: int) -> None:
    errors = groups(told, "errors")
    codes = [text(group(error, "extensions"), "code") or "an error" for error in errors]
    if any(_says_there_is_none(error) for error in errors):
        raise NotThere("there is none")
    if "THROTTLED" in codes:
        raise Throttled(max(wait_ms, _PATIENCE_MS))
    if "MAX_COST_EXCEEDED" in codes:
        raise TooDear("one query costs more points than Shopify allows")
    if set(codes) == {"ACCESS_DENIED"} and any(group(told, "data").values()):
        return  # a part of it, such as whose order it is; an order without its customer is an order
    if codes:
        raise CallError(f"Shopify's API answered {codes[0][:60]}{_right(errors)}", refused="ACCESS_DENIED" in codes)


def _right(errors: list[Json]) -> str:
    """Which right is not there, where that is told. The message itself may quote what was asked about."""
    needs = (text(group(error, "extensions"), "requiredAccess") for error in errors)
    return next((f": it needs {need[:120]}" for need in needs if need), "")


def _says_there_is_none(error: Json) -> bool:
    """With which code Shopify says so is written nowhere; its words are what others go by."""
    return (text(error, "message") or "").startswith("No web pixel was found")


def _wait_ms(told: Json) -> int:
    """Until the bucket holds what this query cost at most."""
    cost = group(group(told, "extensions"), "cost")
    state = group(cost, "throttleStatus")
    needed, there, rate = (
        amount(cost, "requestedQueryCost"),
        amount(state, "currentlyAvailable"),
        amount(state, "restoreRate"),
    )
    if needed is None or there is None or not rate or there >= needed:
        return 0
    return math.ceil((needed - there) / rate * 1_000)


def _seconds(told: str | None) -> int:
    return int(float(told) * 1_000) if told and told.replace(".", "", 1).isdecimal() else _PATIENCE_MS
