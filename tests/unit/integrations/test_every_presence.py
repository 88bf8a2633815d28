"""What every integration owes that tells who is there to chat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.clock import MINUTE, from_datetime
from engine.errors import CallError, Throttled, Unreadable
from engine.events import Event, parse_event
from engine.http import Answered
from engine.integration import Desk, Presence, create, find, news_of
from engine.integration.settings import options_of
from tests.unit.integrations.cases import PresenceCase, cases, settings_of, speaking

CASES = cases("presence", PresenceCase)
KNOWN = [name for name, case in CASES.items() if case.desks]
HOSTILE = [b"", b"null", b"[]", b"{", b"\xff\xfe", b'"text"', b"[" * 5_000, b'{"payload": [null, 1, []], "meta": 7}']


class Tool:
    """Answers as was recorded; ``bent`` replaces one of the answers."""

    def __init__(self, case: PresenceCase, bent: tuple[int, bytes] | None = None) -> None:
        self.answers = {address: bytes(each.body) for address, each in case.answers.items()}
        self.case = case
        if bent is not None:
            self.answers[sorted(self.answers)[bent[0] % len(self.answers)]] = bent[1]

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answered:
        assert (method, body) == ("GET", b""), "who is there is asked for, not changed"
        recorded = self.case.answers[url]
        return Answered(recorded.status, self.answers[url], recorded.headers)


def tool_of(case: str) -> Presence:  # type: ignore[type-arg]  # whatever its settings are
    name = case.split("/")[0]
    made = create(name, settings_of(name), {})
    assert isinstance(made, Presence)
    return made


def ask(case: str, bent: tuple[int, bytes] | None = None) -> tuple[Desk, ...]:
    recorded = CASES[case]
    return tool_of(case).who_is_there(from_datetime(recorded.at), Tool(recorded, bent))


def events_of(desks: tuple[Desk, ...], now: int = 0) -> list[Event]:
    """Each event as the path reads it; raises InvalidEvent for what it would not take."""
    told = news_of("a-tool", desks, now, 3 * MINUTE).events
    return [parse_event(each, received_at=now, skew_ms=0, currency="EUR", trusted=True) for each in told]


def secrets_in(error: Exception, case: str) -> list[str]:
    """The secret settings that an error gives away."""
    name = case.split("/")[0]
    secrets = [option.name for option in options_of(find(name).settings_type) if option.secret]
    return [option for option in secrets if settings_of(name)[option] in str(error)]


@pytest.mark.parametrize("name", speaking("presence"))
def test_one_lost_answer_changes_nothing(name: str) -> None:
    kind = find(name)
    assert issubclass(kind, Presence)
    assert kind.asked_every >= 30_000, "nobody is asked without a pause"
    assert kind.good_for > 2 * kind.asked_every


@pytest.mark.parametrize("name", speaking("presence"))
def test_its_fixtures_tell_the_usual_ends(name: str) -> None:
    own = [case for key, case in CASES.items() if key.startswith(f"{name}/")]
    assert any(case.desks and not any(desk["online"] for desk in case.desks) for case in own), (
        "record one: all are gone"
    )
    assert any(desk["free"] for case in own for desk in case.desks), "record one: somebody is free"
    assert any(desk["online"] and not desk["free"] for case in own for desk in case.desks), "record one: all are busy"
    for end in ("refused", "failed", "throttled_ms", "unreadable"):
        assert any(getattr(case, end) for case in own), f"record one that is {end}"


@pytest.mark.parametrize("case", KNOWN)
def test_who_is_there_is_read_as_recorded(case: str) -> None:
    assert [asdict(desk) for desk in ask(case)] == CASES[case].desks


@pytest.mark.parametrize("case", sorted(CASES.keys() - set(KNOWN)))
def test_what_does_not_say_who_is_there_is_told_so(case: str) -> None:
    recorded = CASES[case]
    kind = Throttled if recorded.throttled_ms else Unreadable if recorded.unreadable else CallError
    with pytest.raises(kind) as caught:
        ask(case)
    assert recorded.unreadable in str(caught.value)
    assert secrets_in(caught.value, case) == []
    assert getattr(caught.value, "wait_ms", 0) == recorded.throttled_ms
    assert getattr(caught.value, "refused", False) == recorded.refused


@pytest.mark.parametrize("case", KNOWN)
def test_each_department_is_told_to_the_rules_with_an_end(case: str) -> None:
    events = events_of(ask(case), now=1_000)
    told = [event.agents for event in events if event.agents is not None]
    assert [(each.department, each.online, each.free, each.waiting) for each in told] == [
        (desk["department"], desk["online"], desk["free"], desk["waiting"]) for desk in CASES[case].desks
    ]
    assert {each.valid_ms for each in told} == {3 * MINUTE}
    assert {event.id for event in events}.isdisjoint(event.id for event in events_of(ask(case), now=61_000))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    case=st.sampled_from(sorted(KNOWN)),
    which=st.integers(0, 50),
    body=st.sampled_from(HOSTILE) | st.binary(max_size=60) | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)
    ).map(lambda said: msgspec.json.encode({"payload": said, "meta": said, "working_hours_enabled": True})),
)  # fmt: skip
def test_whatever_it_answers_it_is_understood_or_refused(case: str, which: int, body: bytes) -> None:
    try:
        desks = ask(case, (which, body))
    except (CallError, Throttled, Unreadable):
        return
    events_of(desks)
