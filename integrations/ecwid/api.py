"""Ecwid's REST API: https://docs.ecwid.com/api-reference. A token in a header, 600 calls a minute for each of them.

What is too much comes back as 429 with ``Retry-After``, in seconds or as a date.
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlencode

from engine.errors import CallError, Throttled
from engine.http import Answered
from engine.integration import Call, Json, json_object, require, wall_clock

API = "https://app.ecwid.com/api/v3"
_PATIENCE_MS = 5_000
"""Where the answer does not say how long to wait."""
_LONGEST_WAIT_MS = 60 * 60_000


class NoAccess(CallError):
    """The token opens nothing any more: the app was taken out of the store, or its plan has no API."""


class Api:
    """One store's API."""

    def __init__(self, store_id: str, token: str) -> None:
        self._url = f"{API}/{store_id}"
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def get(self, call: Call, *path: str, **asked: str | int) -> Json | None:
        """What stands there, or None when nothing does.

        Raises CallError (NoAccess when the token is not taken), Throttled, and Unreadable.
        """
        url = "/".join([self._url, *(quote(part, safe="") for part in path)])
        answered = call("GET", f"{url}?{urlencode(asked)}" if asked else url, self._headers)
        if answered.status == 200:
            return json_object(answered.body)
        if answered.status == 404:
            return None
        if answered.status == 429:
            raise Throttled(wait_ms(answered))
        if answered.status in (401, 402, 403):
            raise NoAccess(
                f"Ecwid does not take the token ({answered.status}): is it the secret token of this store's app, "
                "with the scopes that it needs?"
            )
        raise CallError(f"Ecwid answered {answered.status}")

    def listed(self, call: Call, what: str, **asked: str | int) -> Json:
        """A page of a list. Raises as :meth:`get`; where there is no such list at all, too."""
        found = self.get(call, what, **asked)
        if found is None:
            raise CallError(f"Ecwid has no {what} (404): is store_id the number of this store?")
        require(found, "items")
        return found


def wait_ms(answered: Answered) -> int:
    """How long Ecwid wants to be left alone."""
    told = answered.headers.get("retry-after", "").strip()
    if told.isascii() and told.isdecimal():
        return min(int(told[:9]) * 1_000, _LONGEST_WAIT_MS) or _PATIENCE_MS
    try:
        until = parsedate_to_datetime(told)
    except ValueError:
        return _PATIENCE_MS
    left_ms = round(until.replace(tzinfo=until.tzinfo or UTC).timestamp() * 1_000) - wall_clock()
    return min(max(left_ms, 1_000), _LONGEST_WAIT_MS)
