"""Every integration that takes webhooks, held against the deliveries recorded for it, and against nonsense."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadSignature, HookError, InvalidEvent, SettingsError, UnknownTopic, Unreadable
from engine.events import parse_event
from engine.integration import Delivery, News, RawRequest, Receiver, create, find, known
from tests.unit.integrations.bending import ODD, places, replaced
from tests.unit.integrations.cases import HookCase, cases, settings_of, speaking

CASES = cases("receive", HookCase)


def receiver_kind(key: str) -> type[Receiver[Any]]:
    kind = find(key.split("/")[0])
    assert issubclass(kind, Receiver)
    return kind


GOOD = {key: case for key, case in CASES.items() if not case.refused and case.topic}
READ = {key: case for key, case in GOOD.items() if not case.unknown_topic and not case.unreadable}
SIGNED = {key: case for key, case in GOOD.items() if receiver_kind(key).signs_body}
NOON = 1_795_262_400_000
receivers = pytest.mark.parametrize("name", speaking("receive"))


def receiver(name: str, **settings_: str) -> Receiver[Any]:
    made = create(name, settings_of(name) | settings_, {})
    assert isinstance(made, Receiver)
    return made


def request_of(key: str) -> RawRequest:
    case = CASES[key]
    headers = {name.casefold(): value for name, value in case.headers.items()}
    return RawRequest(headers, case.query, case.bytes_of(key.split("/")[0]))


def delivery_of(key: str) -> Delivery:
    admitted = receiver(key.split("/")[0]).admit(request_of(key))
    assert admitted is not None
    return admitted


def secrets_of(name: str) -> list[str]:
    return [option.name for option in known()[name].options if option.secret and option.name in settings_of(name)]


def without_ids(news: News) -> list[object]:
    told = json.loads(msgspec.json.encode(news.events))
    return [{name: value for name, value in event.items() if name != "id"} for event in told]


# --- who speaks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", CASES)
def test_a_recorded_delivery_is_known_or_refused(key: str) -> None:
    case, made = CASES[key], receiver(key.split("/")[0])
    if case.refused:
        with pytest.raises(BadSignature):
            made.admit(request_of(key))
        return
    admitted = made.admit(request_of(key))
    assert (admitted.topic, admitted.id) == (case.topic, case.id) if admitted else case.topic == ""


@pytest.mark.parametrize("key", SIGNED)
def test_a_changed_body_is_refused(key: str) -> None:
    request = request_of(key)
    for body in (request.body + b" ", request.body[:-1], b"", request.body.replace(b'"', b"'", 1)):
        with pytest.raises(BadSignature):
            receiver(key.split("/")[0]).admit(RawRequest(request.headers, request.query, body))


@pytest.mark.parametrize("key", [key for key in READ if key not in SIGNED])
def test_a_body_that_nobody_signed_says_no_more_than_where_to_look(key: str) -> None:
    made, request = receiver(key.split("/")[0]), request_of(key)
    for body in (request.body, request.body.replace(b"1", b"2"), request.body + b" "):
        try:
            delivery = made.admit(RawRequest(request.headers, request.query, body))
        except BadSignature:
            continue
        assert delivery is not None
        news = made.read(delivery)
        assert news == News(look_ups=news.look_ups)
        assert delivery.signed_at, "when it was made, so that a signature is not good for ever"
        assert delivery.id, "by what a repeat is known, whatever stands around it"


@receivers
def test_whoever_signs_no_body_says_for_how_long_it_is_sent_again(name: str) -> None:
    kind = receiver_kind(name)
    assert kind.signs_body or kind.tries_for


@pytest.mark.parametrize("key", GOOD)
def test_without_its_headers_or_under_other_secrets_it_is_refused(key: str) -> None:
    name, request = key.split("/")[0], request_of(key)
    with pytest.raises(BadSignature):
        receiver(name).admit(RawRequest({}, {}, request.body))
    others = dict.fromkeys(secrets_of(name), "another secret than the one that was recorded with")
    with pytest.raises(BadSignature):
        receiver(name, **others).admit(request)


@receivers
def test_it_has_a_secret_and_is_not_made_without(name: str) -> None:
    assert secrets_of(name), "a receiver knows its sender by a secret; put one into settings.json"
    for option in known()[name].options:
        if option.secret and (option.required or option.default):
            stated = {key: value for key, value in settings_of(name).items() if key != option.name}
            with pytest.raises(SettingsError, match=option.name):
                create(name, stated, {})


_HEADER = st.text(st.characters(max_codepoint=255), max_size=60)


@settings(deadline=None)
@given(st.data())
def test_no_header_and_no_byte_breaks_the_check(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(GOOD)))
    request = request_of(key)
    headers = {name: data.draw(st.just(value) | _HEADER) for name, value in request.headers.items()}
    body = data.draw(st.just(request.body) | st.binary(min_size=1, max_size=60))
    told = _admitted(key.split("/")[0], RawRequest(headers, {}, body))
    assert told in ("", body)


def _admitted(name: str, request: RawRequest) -> object:
    """The body that was let in, or "" when it was refused."""
    try:
        admitted = receiver(name).admit(request)
    except BadSignature:
        return ""
    return admitted.body if admitted is not None else ""


# --- what it says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", GOOD)
def test_a_recorded_delivery_becomes_what_it_became(key: str) -> None:
    case, made = GOOD[key], receiver(key.split("/")[0])
    if case.unknown_topic or case.unreadable:
        with pytest.raises(UnknownTopic if case.unknown_topic else Unreadable) as refused:
            made.read(delivery_of(key))
        assert case.unreadable in refused.value.message
        return
    news = made.read(delivery_of(key))
    assert without_ids(news) == case.events
    assert json.loads(msgspec.json.encode(news.requests)) == case.requests
    assert (list(news.look_ups), news.disconnected) == (case.look_ups, case.disconnected)
    assert json.loads(msgspec.json.encode(news.shop)) == case.shop


@pytest.mark.parametrize("key", READ)
def test_what_it_becomes_are_events_and_the_same_every_time(key: str) -> None:
    made = receiver(key.split("/")[0])
    once, again = made.read(delivery_of(key)), made.read(delivery_of(key))
    assert once == again
    assert len({event["id"] for event in once.events}) == len(once.events)
    for wire in once.events:
        event = parse_event(wire, received_at=NOON, skew_ms=0, currency="EUR", trusted=True)
        assert event.at <= NOON
        assert len(event.refs) == len(set(event.refs))


@receivers
def test_every_topic_was_recorded(name: str) -> None:
    kind = find(name)
    assert issubclass(kind, Receiver)
    recorded = {case.topic for key, case in READ.items() if key.startswith(f"{name}/")}
    assert kind.topics.keys() - recorded == set(), "record a delivery of each topic"
    assert any(case.unknown_topic for key, case in GOOD.items() if key.startswith(f"{name}/")), "and of another"


@receivers
@pytest.mark.parametrize("topic", ["", "no/such_topic", "é"])
def test_another_topic_is_none_of_ours(name: str, topic: str) -> None:
    with pytest.raises(UnknownTopic):
        receiver(name).read(Delivery(topic, b"{}"))


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_body_with_something_odd_in_it_says_something_or_is_unreadable(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(READ)))
    delivery = delivery_of(key)
    body = json.loads(delivery.body)
    for _ in range(data.draw(st.integers(1, 3))):
        body = replaced(body, data.draw(st.sampled_from(list(places(body)))), data.draw(st.sampled_from(ODD)))
    try:
        news = receiver(key.split("/")[0]).read(Delivery(delivery.topic, json.dumps(body).encode()))
    except HookError:
        return
    assert all(_is_event_or_told_why(wire) for wire in news.events)


def _is_event_or_told_why(wire: dict[str, object]) -> bool:
    try:
        return bool(parse_event(wire, received_at=NOON, skew_ms=0, currency="EUR", trusted=True).type)
    except InvalidEvent as error:
        return bool(error.message)


@settings(deadline=None)
@given(st.data())
def test_no_bytes_at_all_break_the_reading(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(speaking("receive")))
    kind = find(name)
    assert issubclass(kind, Receiver)
    topic = data.draw(st.sampled_from(sorted(kind.topics)))
    body = data.draw(
        st.binary(max_size=80) | st.sampled_from([b"", b"{}", b"[]", b"null", b"[" * 5_000, b'{"id": NaN}'])
    )
    with pytest.raises(HookError):
        receiver(name).read(Delivery(topic, body))
