"""Every integration with its recorded fixtures, as the contract test asks them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from engine.integration import find, names, parts_of
from tests.unit.integrations.exchange import Step

FIXTURES = Path(__file__).parents[2] / "fixtures" / "integrations"
T = TypeVar("T")


class MailCase(msgspec.Struct, forbid_unknown_fields=True):
    """A mail and the conversation that was recorded for it."""

    about: str
    exchange: list[Step]
    becomes: str
    answer: str = ""


def settings_of(name: str) -> dict[str, str]:
    """The settings with which the fixtures were recorded; none of the secrets is anybody's."""
    path = FIXTURES / name / "settings.json"
    return msgspec.json.decode(path.read_bytes(), type=dict[str, str]) if path.exists() else {}


def speaking(word: str) -> list[str]:
    """The integrations that play this part."""
    return [name for name in names() if any(part.word == word for part in parts_of(find(name)))]


def paths(name: str) -> list[Path]:
    return sorted(path for path in (FIXTURES / name).glob("*.json") if path.name != "settings.json")


def cases(word: str, kind: type[T]) -> dict[str, T]:
    """All fixtures of the integrations that play this part, by ``name/case``."""
    return {
        f"{name}/{path.stem}": msgspec.json.decode(path.read_bytes(), type=kind)
        for name in speaking(word)
        for path in paths(name)
    }


class HookCase(msgspec.Struct, forbid_unknown_fields=True):
    """A recorded delivery (its body inline or as a file beside it), and what it becomes; ids are derived and left out.

    One of ``refused``, ``unknown_topic`` and ``unreadable`` where it becomes nothing; a knock that is only answered has
    the topic "".
    """

    about: str
    headers: dict[str, str]
    query: dict[str, str] = {}
    body: str = ""
    body_file: str = ""
    topic: str = ""
    id: str = ""
    events: list[dict[str, object]] = []
    requests: list[dict[str, object]] = []
    look_ups: list[str] = []
    shop: dict[str, str] = {}
    disconnected: bool = False
    refused: bool = False
    unknown_topic: bool = False
    unreadable: str = ""

    def bytes_of(self, name: str) -> bytes:
        """The body, byte by byte."""
        return (FIXTURES / name / self.body_file).read_bytes() if self.body_file else self.body.encode()


class Answered(msgspec.Struct, forbid_unknown_fields=True):
    """What an API answered; the body is sent as JSON."""

    body: msgspec.Raw
    status: int = 200
    headers: dict[str, str] = {}


class PresenceCase(msgspec.Struct, forbid_unknown_fields=True):
    """What a chat tool answered to a moment's questions, by their addresses, and who is there according to that.

    One of ``refused``, ``failed``, ``throttled_ms`` and ``unreadable`` where nobody knows then.
    """

    about: str
    at: datetime
    answers: dict[str, Answered]
    desks: list[dict[str, object]] = []
    refused: bool = False
    failed: bool = False
    throttled_ms: int = 0
    unreadable: str = ""
