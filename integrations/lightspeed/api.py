"""Lightspeed's REST API: ``https://{host}/{language}/{resource}.json`` with a key and its secret, in a header only.

A key takes so many calls in five minutes, an hour and a day. Every answer tells how many are left of each
(``X-RateLimit-Remaining: 299/2999/11999``), and so does ``account/ratelimit``.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import msgspec

from engine.errors import CallError, Throttled, Unreadable
from engine.http import Answered
from engine.integration import Allowed, Call, Json, Left, group, json_object, whole
from integrations.lightspeed.settings import LightspeedSettings

_MINUTE = 60_000
ALLOWANCE: Final[Mapping[int, int]] = {5 * _MINUTE: 300, 60 * _MINUTE: 3_000, 24 * 60 * _MINUTE: 12_000}
"""What a key takes unless it says otherwise."""
_NAMES = ("limit5Min", "limitHour", "limitDay")
ADDRESS = "https://{host}/{language}"
"""Where the API is; a test puts its own server there."""
_HOSTS = {"eu1": "api.webshopapp.com", "us1": "api.shoplightspeed.com"}
_PATIENCE_MS = _MINUTE
"""Where a refusal does not say how long to wait: as long as Lightspeed's own client does."""
_LARGEST_COUNT = 10**7
_NOTHING: tuple[object, ...] = (False, None, {})
"""How PHP writes an empty list where it does not write one."""


@dataclass(frozen=True)
class Listed:
    """One page of a list; ``told_at`` is the platform's own clock as its ``Date`` header has it, "" for none."""

    items: list[Json]
    told_at: str = ""


class Api:
    """One shop's API."""

    def __init__(self, told: LightspeedSettings) -> None:
        self.told = told
        self.language = told.language
        self._host = _HOSTS[told.cluster]
        password = _token_password(told) if told.shop_token else told.api_secret
        credentials = base64.b64encode(f"{told.api_key}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}", "Accept": "application/json"}
        whose = f"{told.cluster}:{told.api_key}:{told.shop_token}"
        self.account = hashlib.sha256(whose.encode()).hexdigest()[:40]

    def one(self, call: Call, path: str, name: str, language: str = "") -> Json | None:
        """The thing at that place; None when it is gone. Raises CallError, Throttled and Unreadable."""
        answered = self._ask(call, "GET", path, language=language)
        if answered.status == 404:
            return None
        found = group(json_object(answered.body), name)
        if not found:
            raise Unreadable(f"the answer has no {name} in it")
        return found

    def listed(self, call: Call, path: str, **query: str) -> Listed:
        """A page of what is there, by whatever name the answer calls it. Raises as :meth:`one`."""
        answered = self._ask(call, "GET", path, query)
        if answered.status == 404:
            raise _no_such_place()
        return Listed(_items(answered), answered.headers.get("date", ""))

    def listed_of(self, call: Call, path: str, **query: str) -> list[Json]:
        """The same of one thing, which may be gone: then nothing."""
        answered = self._ask(call, "GET", path, query)
        return [] if answered.status == 404 else _items(answered)

    def send(self, call: Call, method: str, path: str, body: Json | None = None) -> None:
        """Make, change or delete something; what is gone already needs no deleting."""
        answered = self._ask(call, method, path, body=body)
        if answered.status == 404 and method != "DELETE":
            raise _no_such_place()

    def _ask(
        self,
        call: Call,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        language: str = "",
    ) -> Answered:
        base = ADDRESS.format(host=self._host, language=language or self.language)
        url = f"{base}/{path}.json" + (f"?{urlencode(query)}" if query else "")
        kind = {"Content-Type": "application/json"} if body is not None else {}
        answered = call(method, url, self._headers | kind, msgspec.json.encode(body) if body is not None else b"")
        if answered.status == 429:
            raise Throttled(allowed(answered).rest_ms)
        if answered.status in (401, 403):
            raise CallError(
                f"Lightspeed refused the key ({answered.status}): is it on, with these rights?", refused=True
            )
        if not (200 <= answered.status < 300 or answered.status == 404):
            raise CallError(f"Lightspeed answered {answered.status}", refused=400 <= answered.status < 500)
        return answered


def _items(answered: Answered) -> list[Json]:
    values = list(json_object(answered.body).values())
    found = next((value for value in values if isinstance(value, list)), None)
    if found is None and not any(value in _NOTHING for value in values):
        raise Unreadable("the answer has no list in it")
    return [item for item in found or [] if isinstance(item, dict)]


def _no_such_place() -> CallError:
    return CallError("Lightspeed has no such place (404): are the cluster and the language the shop's?", refused=True)


def allowed(answered: Answered) -> Allowed:
    """What an answer tells of the calls that are left; a 429 wants to be left alone besides."""
    windows = _in_body(answered.body) or _in_headers(answered.headers)
    return Allowed(windows, _rest_ms(answered, windows) if answered.status == 429 else 0)


def _rest_ms(answered: Answered, windows: Mapping[int, Left]) -> int:
    stated = answered.headers.get("retry-after", "")
    if stated.isascii() and stated.isdigit():
        return max(1, min(int(stated[:9]) * 1_000, max(ALLOWANCE)))
    used_up = [left.resets_in_ms or _PATIENCE_MS for left in windows.values() if left.left == 0]
    return max(used_up, default=_PATIENCE_MS)


def _in_headers(headers: Mapping[str, str]) -> dict[int, Left]:
    most, left, resets = (_three(headers.get(f"x-ratelimit-{name}", "")) for name in ("limit", "remaining", "reset"))
    if most is None or left is None:
        return {}
    ends = resets or (None, None, None)
    return {
        lasts: Left(limit, min(remaining, limit), None if end is None else min(end * 1_000, lasts))
        for lasts, limit, remaining, end in zip(ALLOWANCE, most, left, ends, strict=True)
        if limit
    }


def _three(told: str) -> tuple[int, int, int] | None:
    parts = told.split("/")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 9 for part in parts):
        return None
    first, second, third = map(int, parts)
    return first, second, third


def _in_body(body: bytes) -> dict[int, Left]:
    """``account/ratelimit`` says it at length."""
    if b'"accountRatelimit"' not in body[:60]:
        return {}
    told = group(json_object(body), "accountRatelimit")
    each = {lasts: _stated(group(told, name), lasts) for lasts, name in zip(ALLOWANCE, _NAMES, strict=True)}
    return {lasts: left for lasts, left in each.items() if left is not None}


def _stated(told: Json, lasts: int) -> Left | None:
    most, left, ends_s = whole(told, "limit"), whole(told, "remaining"), whole(told, "reset")
    if most is None or left is None or not 0 < most <= _LARGEST_COUNT:
        return None
    resets_in_ms = None if ends_s is None else max(0, min(ends_s * 1_000, lasts))
    return Left(most, max(0, min(left, most)), resets_in_ms)


def _token_password(told: LightspeedSettings) -> str:
    """An installed app's password for one shop, as Lightspeed makes it."""
    return hashlib.md5(f"{told.shop_token}{told.app_secret}".encode(), usedforsecurity=False).hexdigest()
