"""The arithmetic of the benchmarks and the shape of what they leave behind; nothing here measures time."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import islice
from pathlib import Path
from typing import cast

import msgspec
import pytest

from benchmarks import costs, month, report
from benchmarks.costs import Cost, CostRecord, growth, uneven
from benchmarks.figures import Machine, Ratio, Record, Round, compare, noise, percentile, ratio, spread
from benchmarks.load import Spec, drive
from benchmarks.month import Month
from benchmarks.rivals import expression_of, tell
from benchmarks.rules import every_rule_of, moments, names_of_met
from benchmarks.shop import ORIGIN, Visitors, rule_file, written_rules
from engine.clock import DAY
from engine.events import parse_event, parse_stored
from engine.rules.loader import load


def a_round(requests_per_s: float, *, cpu_us: float = 100.0, others: float = 0.0, generator: float = 0.2) -> Round:
    requests = int(requests_per_s * 2)
    return Round(
        requests=requests,
        events=requests * 20,
        seconds=2.0,
        p50_ms=1.0,
        p99_ms=3.0,
        server_cpu_s=requests * cpu_us / 1_000_000,
        database_cpu_s=0.0,
        generator_load=generator,
        others_load=others,
    )


def a_record(name: str, taken_on: str, requests_per_s: float = 3_000) -> Record:
    control = [a_round(5_000)] * 3
    compared = compare("one event", 32, control, [a_round(requests_per_s, cpu_us=150)] * 3, decisions=7)
    machine = Machine(
        cores=2,
        processor="A Processor",
        system="Linux 6",
        python="CPython 3.11",
        versions={"flask": "3.1"},
        file_system="ext4",
        sync_ms=0.2,
        pinned=True,
    )
    return Record(
        name=name,
        taken_on=taken_on,
        commit="abc1234",
        quick=False,
        settings={"rules": "100"},
        machine=machine,
        load_average_before=0.1,
        load_average_after=0.9,
        noise=noise([compared]),
        comparisons=[compared],
    )


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1.0), (0.5, 50.0), (0.501, 51.0), (0.99, 99.0), (0.991, 100.0), (1.0, 100.0)]
)
def test_a_percentile_is_a_value_that_was_measured(share: float, value: float) -> None:
    measured = [float(number) for number in range(100, 0, -1)]

    assert percentile(measured, share) == value


def test_the_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 0.5)


def test_what_slows_both_sides_of_a_round_down_leaves_the_ratio_alone() -> None:
    steady = ratio([600.0, 600.0, 600.0], [1000.0, 1000.0, 1000.0])
    with_a_slow_round = ratio([600.0, 60.0, 600.0], [1000.0, 100.0, 1000.0])

    assert steady == with_a_slow_round == Ratio(0.6, 0.6, 0.6)


def test_a_ratio_tells_its_extremes() -> None:
    assert ratio([1.0, 2.0, 9.0], [1.0, 1.0, 3.0]) == Ratio(median=2.0, lowest=1.0, highest=3.0)


def test_sides_with_different_numbers_of_rounds_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="longer"):
        ratio([1.0], [1.0, 2.0])


def test_the_spread_is_a_share_of_the_median() -> None:
    assert spread([90.0, 100.0, 120.0]) == pytest.approx(0.3)


def test_a_comparison_is_made_of_medians() -> None:
    control = [a_round(1_000), a_round(5_000), a_round(9_000)]
    shopbell = [a_round(500, cpu_us=200), a_round(2_000, cpu_us=300), a_round(9_000, cpu_us=100)]

    compared = compare("20 events", 4, control, shopbell, decisions=0)

    assert compared.control_summary.requests_per_s == 5_000
    assert compared.shopbell_summary.events_per_s == 40_000
    assert compared.shopbell_summary.cpu_us_per_request == pytest.approx(200)
    assert compared.throughput == Ratio(median=0.5, lowest=0.4, highest=1.0)
    assert compared.cpu.median == pytest.approx(2.0)


def test_a_quiet_run_has_nothing_to_excuse() -> None:
    rounds = [a_round(1_000), a_round(1_050), a_round(980)]

    assert noise([compare("one event", 4, rounds, rounds, decisions=0)]) == []


def test_a_noisy_run_says_what_was_noisy() -> None:
    control = [a_round(1_000, others=0.6), a_round(2_000), a_round(1_500)]
    shopbell = [a_round(900, generator=0.97)] * 3

    found = noise([compare("one event", 4, control, shopbell, decisions=0)])

    assert found == [
        "one event, 4 connections: the control's own rounds differ by 67%.",
        "one event, 4 connections: something else used up to 0.60 cores.",
        "one event, 4 connections: the load generator was 97% busy, so the server may be faster than this.",
    ]


def test_a_record_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    record = a_record("ingest-sqlite", "2026-11-21")

    path = report.write(record, tmp_path)

    assert path.name == "2026-11-21-ingest-sqlite.json"
    assert report.read(tmp_path) == [record]


def test_the_page_shows_the_newest_run_of_each_name(tmp_path: Path) -> None:
    report.write(a_record("ingest-sqlite", "2026-11-21", 1_000), tmp_path)
    report.write(a_record("ingest-postgresql", "2026-11-20", 2_000), tmp_path)
    report.write(a_record("ingest-sqlite", "2026-11-22", 3_000), tmp_path)

    page = (tmp_path / "README.md").read_text()

    assert "2026-11-21" not in page
    assert page.index("## ingest-postgresql") < page.index("## ingest-sqlite")
    assert "| one event | 32 | 5,000 | 3,000 | 60,000 | **0.60** (0.60–0.60) |" in page
    assert "A quiet run." in page


def test_a_record_names_neither_host_nor_folder(tmp_path: Path) -> None:
    machine = msgspec.json.encode(report.machine(tmp_path, pinned=True)).decode()

    assert str(tmp_path) not in machine
    assert str(report.ROOT) not in machine
    assert list(tmp_path.iterdir()) == []


def test_the_rules_that_are_measured_are_good_ones() -> None:
    rules = load(rule_file(100), name="rules.yaml")

    assert len(rules.rules) == 100
    assert rules.shop.origins == (ORIGIN,)


def test_every_request_carries_new_events_that_shopbell_understands() -> None:
    visitors = Visitors(50, seed=1, port=8080)
    seen = set()

    for _ in range(100):
        head, _, body = visitors.request(20).partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}".encode() in head
        for raw in json.loads(body)["events"]:
            event = parse_event(raw, received_at=2**50, skew_ms=0, currency="EUR", trusted=False)
            seen.add((event.id, event.type))

    assert len({event_id for event_id, _ in seen}) == 2_000
    assert {kind for _, kind in seen} == {"page_viewed", "checked_in", "product_viewed", "cart_updated"}


@contextmanager
def a_server(status: int, answer: bytes) -> Iterator[int]:
    """Answers everything like this; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in http.server
            """Nobody reads along."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def three_requests_of_two(port: int) -> Spec:
    return Spec(port=port, connections=1, events_per_request=2, visitors=3, seed=1, seconds=60, most_requests=3)


def test_a_run_in_which_everything_was_accepted_counts() -> None:
    with a_server(202, b'{"accepted":2,"duplicates":0,"rejected":[],"messages":[]}') as port:
        outcome = drive(three_requests_of_two(port))

    assert (outcome.requests, outcome.problem) == (3, None)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (202, b'{"accepted":1,"duplicates":1,"rejected":[],"messages":[]}'),
        (202, b'{"accepted":2,"duplicates":0,"rejected":[{}],"messages":[]}'),
        (200, b'{"accepted":2,"duplicates":0,"rejected":[],"messages":[]}'),
        (503, b'{"error":{"code":"unavailable"}}'),
    ],
)
def test_one_answer_that_is_not_as_it_must_be_makes_a_run_void(status: int, answer: bytes) -> None:
    with a_server(status, answer) as port:
        outcome = drive(three_requests_of_two(port))

    assert outcome.problem is not None
    assert outcome.problem.startswith(f"an answer was 'HTTP/1.1 {status}")


# --- what asking rules costs ------------------------------------------------------------------------------------------


def as_python(expression: str) -> str:
    """An expression for common-expression-language in which nothing but the signs differs from Python's."""
    return expression.replace("&&", "and").replace("||", "or").replace("!(", "not (")


def test_the_other_engines_are_asked_the_same_as_shopbell() -> None:
    found = set()

    for one_page in (False, True):
        rules = load(rule_file(40, one_page=one_page))
        translated = {
            str(rule["name"]): compile(as_python(expression_of(rule)), "rule", "eval")
            for rule in written_rules(40, one_page=one_page)
        }
        for moment in moments(rules, 200, warm_up=200):
            facts = moment.facts(rules)
            told = tell(facts)
            met = sorted(name for name, asked in translated.items() if eval(asked, {}, told))  # noqa: S307 - our own text
            assert sorted(names_of_met(rules)(facts)) == sorted(names_of_met(every_rule_of(rules))(facts)) == met
            found.update(met)

    assert found, "a benchmark in which nothing is ever met measures nothing"


def a_cost(rules: int, *cpu_us: float, side: str = "Shopbell") -> Cost:
    return Cost(layout="spread", rules=rules, side=side, cpu_us=list(cpu_us))


def test_growth_is_told_for_a_hundred_times_as_many_rules() -> None:
    asked = [a_cost(10, 2.0, 4.0, 3.0), a_cost(100, 5.0), a_cost(1_000, 30.0), a_cost(10, 1.0, side="another")]

    assert growth(asked, "spread", "Shopbell") == {10: 10.0}
    assert growth(asked, "all on one", "Shopbell") == {}


def test_a_side_whose_rounds_differ_is_told() -> None:
    assert uneven([a_cost(10, 1.0, 1.1), a_cost(1_000, 1.0, 2.0)]) == [
        "Shopbell, 1,000 rules spread: its own rounds differ by 67%."
    ]


def test_the_page_shows_what_the_newest_run_cost(tmp_path: Path) -> None:
    taken_in = a_record("ingest-sqlite", "2026-11-21")
    for day, cost in (("2026-11-20", 9.0), ("2026-11-22", 4.0)):
        asked = [a_cost(10, 1.0), a_cost(1_000, cost, 3.0, 5.0), a_cost(10, 7.5, side="another")]
        costs.write(
            CostRecord(
                taken_on=day,
                commit="abc1234",
                machine=taken_in.machine,
                load_average_before=0.1,
                load_average_after=0.2,
                noise=[],
                costs=asked,
            ),
            tmp_path,
        )

    report.write(taken_in, tmp_path)

    page = (tmp_path / "README.md").read_text()
    assert "2026-11-20" not in page
    assert page.index("## ingest-sqlite") < page.index("## rules")
    assert "| spread | 10 | **1.0** (1.0–1.0) | **7.5** (7.5–7.5) |" in page
    assert "| spread | 1,000 | **4.0** (3.0–5.0) |  |" in page
    assert "4.0× from 10 to 1,000 rules" in page
    assert report.read(tmp_path) == [taken_in]


NOW = 1_795_312_800_000
"""2026-11-22T02:00:00Z, a Sunday"""


def test_every_event_of_a_made_up_month_can_be_read_and_lies_within_it() -> None:
    rows = list(islice(Month("ink", NOW).rows(), 5_000))
    assert len({row["id"] for row in rows}) == 5_000
    for row in rows:
        assert NOW - 31 * DAY < cast(int, row["received_at"]) < NOW
        body = str(row["body"])
        event = parse_stored(body, str(row["type"]), visitor=str(row["visitor"]), at=cast(int, row["at"]),
                             currency="EUR", trusted=bool(row["trusted"]))  # fmt: skip
        assert event is not None, body


def test_a_made_up_month_is_the_same_every_time_and_has_everybody_in_it() -> None:
    first, again = (list(islice(Month("ink", NOW, seed=3).rows(), 5_000)) for _ in range(2))
    assert first == again
    assert {row["type"] for row in first} == {
        "agents_changed", "page_viewed", "page_hidden", "product_viewed", "checked_in", "cart_updated",
        "checkout_started", "contact_given", "shipping_shown", "order_placed",
    }  # fmt: skip


def test_a_made_up_month_stays_away_from_real_shoppers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["month", "--events", "200"])
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    month.main()
    assert "200 events of 30 days" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="Shop main has events already"):
        month.main()
    monkeypatch.setattr("sys.argv", ["month", "--events", "200", "--shop", "other"])
    for name, value in {
        "SHOPBELL_ENV": "production",
        "SECRET_KEY": "x" * 40,
        "PUBLIC_URL": "https://bell.example",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match="This is production"):
        month.main()
