"""``/healthz``, ``/readyz`` and ``/metrics``: true also when things are not as they should be."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.event import listen

from engine import hints
from engine.settings import Settings
from engine.store.migrate import upgrade
from engine.web import create_app
from tests.service.doors import (
    Door,
    answer_of,
    happened,
    open_door,
    own_postgresql,
    page_viewed,
    rule_file,
    settings_for,
)

MINUTE_MS = 60_000


@pytest.fixture
def door(tmp_path: Path, database_url: str, redis_url: str) -> Iterator[Door]:
    with open_door(tmp_path, database_url, REDIS_URL=redis_url) as opened:
        yield opened


def metrics_of(door: Door) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample, by name and labels."""
    response = door.client.get("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain")
    families = text_string_to_metric_families(response.get_data(as_text=True))
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def sample(door: Door, name: str, **labels: str) -> float:
    return metrics_of(door).get((name, frozenset(labels.items())), 0.0)


def test_a_process_that_answers_is_alive(door: Door) -> None:
    assert answer_of(door.client.get("/healthz"), 200) == {"status": "ok"}


def test_with_everything_in_place_it_is_ready_and_nothing_is_wrong(door: Door, redis_url: str) -> None:
    hints.announce(hints.connect(redis_url), "recheck+deliver-here-1")
    assert answer_of(door.client.get("/readyz"), 200) == {"ready": True, "problems": {}, "shops": ["ink", "tea"]}


def test_without_a_worker_it_is_ready_and_says_so(door: Door) -> None:
    answer = answer_of(door.client.get("/readyz"), 200)
    assert answer["ready"] is True
    assert answer["problems"] == {"redis": "no worker for recheck, deliver"}


def test_without_redis_it_is_ready_and_says_so(tmp_path: Path, sqlite_url: str) -> None:
    with open_door(tmp_path, sqlite_url) as door:
        answer = answer_of(door.client.get("/readyz"), 200)
    assert answer["ready"] is True
    assert answer["problems"] == {"redis": "away (ConnectionError); nothing is lost, messages come later"}


def test_a_broken_rule_file_is_told_in_full_and_does_not_make_it_unready(
    tmp_path: Path, sqlite_url: str, redis_url: str
) -> None:
    hints.announce(hints.connect(redis_url), "recheck+deliver-here-1")
    with open_door(tmp_path, sqlite_url, REDIS_URL=redis_url) as door:
        broken = rule_file("ink", "https://ink.example", "- name: a\n- name: a\n  when: [sunshine]")
        (tmp_path / "rules" / "ink.yaml").write_text(broken)
        for _ in range(2):  # the second look finds that nobody is writing it any more
            door.house.live.look_now()
        answer = answer_of(door.client.get("/readyz"), 200)
    assert answer["ready"] is True
    assert answer["shops"] == ["ink", "tea"]
    problems = answer["problems"]
    assert isinstance(problems, dict)
    assert problems.keys() == {"rules"}
    assert "ink.yaml:" in problems["rules"]
    assert "sunshine" in problems["rules"]


def test_a_database_without_our_tables_is_not_ready(tmp_path: Path, database_url: str) -> None:
    app = create_app(settings_for(tmp_path, database_url))
    try:
        answer = answer_of(app.test_client().get("/readyz"), 503)
    finally:
        app.extensions["shopbell"].engine.dispose()
    assert answer["ready"] is False
    assert answer["shops"] == ["ink", "tea"]


def test_a_database_that_can_only_be_read_is_not_ready(tmp_path: Path, sqlite_url: str) -> None:
    with open_door(tmp_path, sqlite_url) as door:
        listen(door.engine, "checkout", lambda connection, *_: connection.execute("PRAGMA busy_timeout=200"))
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert answer_of(door.client.get("/readyz"), 503)["ready"] is False
        assert answer_of(door.client.get("/readyz"), 200)["ready"] is True


def test_metrics_go_on_without_the_database(tmp_path: Path) -> None:
    with own_postgresql() as (server, url), open_door(tmp_path, url) as door:
        assert sample(door, "shopbell_database_up") == 1
        server.stop()
        assert answer_of(door.client.get("/readyz"), 503)["ready"] is False
        assert answer_of(door.client.get("/healthz"), 200) == {"status": "ok"}
        assert sample(door, "shopbell_database_up") == 0
        assert ("shopbell_events_total", frozenset({("result", "accepted")})) in metrics_of(door)
        server.start()
        assert answer_of(door.client.get("/readyz"), 200)["ready"] is True


def test_metrics_count_events_by_what_became_of_them(door: Door) -> None:
    def counts() -> dict[str, float]:
        results = ("accepted", "duplicate", "rejected")
        return {result: sample(door, "shopbell_events_total", result=result) for result in results}

    before = counts()
    event = page_viewed()
    door.send(event, event, {"type": "nonsense"})
    after = counts()
    assert {name: after[name] - before[name] for name in after} == {"accepted": 1, "duplicate": 1, "rejected": 1}


def test_metrics_count_refusals_by_their_code(door: Door) -> None:
    before = sample(door, "shopbell_requests_refused_total", code="unknown_key")
    door.send(page_viewed(), key="pk_unknown")
    assert sample(door, "shopbell_requests_refused_total", code="unknown_key") == before + 1


def test_metrics_show_the_deliveries_that_stand_in_the_database(door: Door) -> None:
    door.send(page_viewed(ago=MINUTE_MS), happened("checked_in", engaged_ms=50_000))
    assert sample(door, "shopbell_deliveries", kind="invite", state="offered") == 1


def test_rules_that_mail_without_anything_to_mail_through_are_told_about(
    environment: dict[str, str], tmp_path: Path
) -> None:
    production = {"SHOPBELL_ENV": "production", "PUBLIC_URL": "https://bell.example", "SECRET_KEY": "k" * 40}
    settings = Settings.from_env(environment | production | {"SMTP_URL": ""})
    upgrade(settings.database_url)
    problems = create_app(settings).test_client().get("/readyz").get_json()["problems"]
    assert problems["mail"] == "rules that mail in main, and integration smtp: url names env:SMTP_URL, which is not set"
    (rules := tmp_path / "anonymous.yaml").write_text(
        "shop: {name: Inkt}\nrules:\n  - name: left\n    when: [cart_abandoned: 1h]\n    then: [email: cart-reminder]\n"
    )
    anonymous = Settings.from_env(environment | production | {"SMTP_URL": "smtp://127.0.0.1:9", "RULES": str(rules)})
    told = create_app(anonymous).test_client().get("/readyz").get_json()["problems"]["mail"]
    assert told == "rules that mail in main, and no 'from' under integrations: smtp:"
    with_relay = Settings.from_env(environment | production | {"SMTP_URL": "smtp://127.0.0.1:2525"})
    assert "mail" not in create_app(with_relay).test_client().get("/readyz").get_json()["problems"]
