"""Golden examples: an event as each vocabulary writes it, and what it becomes here."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine import strictjson
from engine.events import parse_event
from engine.strictjson import JsonObject
from engine.vocabulary import VOCABULARIES, translate

FIXTURES = Path(__file__).parents[2] / "fixtures" / "vocabulary"
RECEIVED_AT = 1_795_300_000_000


class Example(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    event: JsonObject
    becomes: JsonObject


def _examples() -> dict[str, Example]:
    found = {}
    for path in sorted(FIXTURES.glob("*.json")):
        for example in msgspec.convert(strictjson.loads(path.read_bytes()), list[Example]):
            found[f"{path.stem}: {example.name}"] = example
    return found


EXAMPLES = _examples()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_event_becomes_what_the_example_says(name: str) -> None:
    example = EXAMPLES[name]
    before = msgspec.json.encode(example.event)
    assert translate(example.event) == example.becomes
    assert msgspec.json.encode(example.event) == before, "the event that came in was changed"


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_it_becomes_is_an_event(name: str) -> None:
    becomes = translate(EXAMPLES[name].event)
    event = parse_event(becomes, received_at=RECEIVED_AT, skew_ms=0, currency="EUR", trusted=False)
    assert event.type == becomes["type"]
    assert event.visitor == "v-1"


@pytest.mark.parametrize("name", EXAMPLES)
def test_translating_twice_changes_nothing_more(name: str) -> None:
    becomes = translate(EXAMPLES[name].event)
    assert translate(becomes) == becomes


def test_there_are_at_least_forty_examples() -> None:
    assert len(EXAMPLES) >= 40


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda vocabulary: str(vocabulary.title))
def test_every_name_has_an_example(vocabulary: object) -> None:
    shown = {name for example in EXAMPLES.values() for name in map(example.event.get, ("type", "event", "name"))}
    entries = next(known.entries for known in VOCABULARIES if known is vocabulary)
    assert [entry.name for entry in entries if entry.name not in shown] == []
