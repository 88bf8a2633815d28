"""Chatwoot's application API: https://developers.chatwoot.com/api-reference.

The token goes in ``Api-Access-Token``: Chatwoot reads that and ``api_access_token`` as the same header, and nginx,
which stands in front of most Chatwoots, drops names with underscores unless it was told not to.
"""

from __future__ import annotations

from urllib.parse import urlencode

from engine.errors import CallError, Throttled, Unreadable
from engine.http import Answered
from engine.integration import Call, Json, group, groups, json_object, whole

PATIENCE_MS = 60_000
"""Where the answer does not say how long to wait; Chatwoot counts by the minute."""
_LONGEST_WAIT_S = 3_600
_REFUSED = frozenset([401, 403, 404])


class Api:
    """One account of a Chatwoot at ``address``."""

    def __init__(self, address: str, account: str, token: str) -> None:
        self._base = f"{address}/api/v1/accounts/{account}"
        self._headers = {"Api-Access-Token": token, "Accept": "application/json"}

    def inbox(self, call: Call, number: str) -> Json:
        """The inbox with its working hours. Raises CallError (``refused`` where the token may not), Throttled and
        Unreadable; so do the others."""
        return self._ask(call, f"inboxes/{number}")

    def agents(self, call: Call, number: str) -> list[Json]:
        """Who answers this inbox, each with an ``availability_status``."""
        return groups(self._ask(call, f"inbox_members/{number}"), "payload")

    def unassigned(self, call: Call, number: str) -> int | None:
        """How many open conversations of this inbox nobody has taken yet; None where it is not told."""
        said = self._ask(call, "conversations/meta?" + urlencode({"status": "open", "inbox_id": number}))
        return whole(group(said, "meta"), "unassigned_count")

    def _ask(self, call: Call, path: str) -> Json:
        answered = call("GET", f"{self._base}/{path}", self._headers)
        if answered.status == 429:
            raise Throttled(wait_ms(answered))
        if answered.status != 200:
            # Its words may quote the token; its status says enough.
            what = path.partition("?")[0]
            raise CallError(f"Chatwoot answered {answered.status} to {what}", refused=answered.status in _REFUSED)
        return json_object(answered.body)


def wait_ms(answered: Answered) -> int:
    """How long Chatwoot wants to be left alone."""
    told = answered.headers.get("retry-after", "")
    return min(int(told), _LONGEST_WAIT_S) * 1_000 if told.isascii() and told.isdigit() else PATIENCE_MS


def status_of(agent: Json) -> str:
    """``online``, ``busy`` or ``offline``. Raises Unreadable where it is not told: Chatwoots of before 2021."""
    told = agent.get("availability_status")
    if not isinstance(told, str):
        raise Unreadable("this Chatwoot does not say which agents are online")
    return told
