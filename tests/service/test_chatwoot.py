"""Who is there to chat, asked of a Chatwoot over HTTP by the clock: who is invited, and who is when it falls silent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from engine import errands as asking
from engine.clock import MINUTE, SECOND, wall_clock
from engine.errands import ROLL_CALL_RESTS, Errands
from engine.http import StandIn
from engine.intake import Intake
from engine.rules.facts import House
from engine.settings import Settings
from engine.store import budgets, looks
from engine.store.database import reading
from engine.store.errands import ERRANDS
from engine.store.unit import EVENTS
from tests.builders import Hands
from tests.service.doors import INK, Door, Json, answer_of, environment_for, page_viewed, rule_file
from tests.service.platform import stop_errands_clock

TOKEN = "hush-of-this-very-agent"
INVITES = """
- name: may-i-help
  when:
    - on_page: knowledge_base
    - agents: free
  then:
    - invite: {text: {nl: "Kan ik helpen?", en: "Can I help?"}}
"""
CHATWOOT = (
    '  chatwoot: {account: "7", inbox: "3", access_token: env:CHATWOOT_TOKEN, departments: "ink=12", '
    "address: https://chat.ink.example/desk}\n"
)
GOOD_FOR = 3 * MINUTE


class Chatwoot:
    """A Chatwoot on loopback: agents by inbox, who waits, and what goes wrong."""

    def __init__(self) -> None:
        self.agents: dict[str, list[str]] = {"3": ["online"], "12": []}
        self.waiting = 0
        self.status, self.headers = 200, dict[str, str]()
        self.asked: list[str] = []
        self.hosts: set[str] = set()
        house = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                house.asked.append(self.path)
                house.hosts.add(str(self.headers["Host"]))
                status, body = house.answer(self.path, str(self.headers["Api-Access-Token"]))
                sent = json.dumps(body).encode()
                self.send_response(status)
                for name, value in {**house.headers, "Content-Length": str(len(sent))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *_: object) -> None:
                """Nobody reads along."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def answer(self, path: str, token: str) -> tuple[int, object]:
        if self.status != 200 or token != TOKEN:
            return (self.status if token == TOKEN else 401), {"errors": [f"no to {token}"]}
        what, _, query = path.removeprefix("/desk/api/v1/accounts/7/").partition("?")
        kind, _, inbox = what.partition("/")
        if kind.startswith("inbox") and inbox not in self.agents:
            return 404, {"error": "Resource could not be found"}
        if kind == "inbox_members":
            said = [{"id": n, "availability_status": status} for n, status in enumerate(self.agents[inbox])]
            return 200, {"payload": said}
        if kind == "inboxes":
            return 200, {"id": int(inbox), "working_hours_enabled": False}
        assert (what, query.partition("&")[0]) == ("conversations/meta", "status=open")
        return 200, {"meta": {"unassigned_count": self.waiting}}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Shop(Door):
    """A running application whose shop chats by Chatwoot, and a clock that asks who is there."""

    def __init__(self, settings: Settings, chatwoot: Chatwoot, hands: Hands) -> None:
        super().__init__(settings)
        self.chatwoot, self.hands = chatwoot, hands

    def clock(self) -> Errands:
        """As in a process of its own."""
        intake = Intake(self.engine, self.house.committer, self.hands)
        return Errands(self.house.live, intake, lambda _: None, StandIn(self.chatwoot.url), clock=self.hands)

    def asks(self) -> int:
        return self.clock().run()

    def told(self) -> House:
        with reading(self.engine) as connection:
            return looks.house(connection, "ink")

    def online(self, department: str = "") -> tuple[int, int | None, int | None] | None:
        """What the rules know now: online, free and waiting; None when nothing."""
        known = self.told().presence(department, self.hands.now)
        return None if known is None else (known.online, known.free, known.waiting)

    def invites(self, visitor: str) -> int:
        """How many invitations somebody gets who opens a page of help now."""
        answer = answer_of(self.send(page_viewed(), visitor=visitor))
        messages = answer.get("messages", [])
        assert isinstance(messages, list)
        return len(messages)

    def problem(self) -> tuple[int, str]:
        ((attempt, problem),) = [(row.attempt, row.problem) for row in self.rows(ERRANDS)]
        return int(attempt), str(problem)


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    still = stop_errands_clock(monkeypatch)
    monkeypatch.setattr(budgets, "database_now", lambda connection: still())
    return still


@pytest.fixture
def shop(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, hands: Hands) -> Iterator[Shop]:
    monkeypatch.setenv("CHATWOOT_TOKEN", TOKEN)
    (tmp_path / "rules").mkdir()
    text = rule_file("ink", INK, INVITES).replace("integrations:\n", f"integrations:\n{CHATWOOT}")
    (tmp_path / "rules" / "ink.yaml").write_text(text)
    (tmp_path / "rules" / "tea.yaml").write_text(rule_file("tea", "https://tea.example"))
    chatwoot = Chatwoot()
    opened = Shop(Settings.from_env(environment_for(tmp_path, database_url)), chatwoot, hands)
    yield opened
    opened.close()
    chatwoot.close()


def agents_events(shop: Shop) -> list[Json]:
    return [json.loads(row.body)["agents"] for row in shop.rows(EVENTS, type="agents_changed")]


# --- who is there -----------------------------------------------------------------------------------------------------


def test_who_is_there_is_asked_by_the_clock_and_told_to_the_rules(shop: Shop) -> None:
    shop.chatwoot.agents, shop.chatwoot.waiting = {"3": ["online", "busy", "offline"], "12": ["busy"]}, 4
    assert shop.online() is None
    assert shop.asks() == 1
    assert (shop.online(), shop.online("ink"), shop.online("paper")) == ((2, 1, 4), (1, 0, 4), None)
    assert shop.chatwoot.hosts == {"chat.ink.example"}
    assert len(shop.chatwoot.asked) == 6


def test_it_is_asked_once_a_minute_by_all_clocks_together(shop: Shop) -> None:
    assert [shop.asks() for _ in range(3)] == [1, 0, 0]
    shop.hands.now += MINUTE - 1
    assert shop.asks() == 0
    shop.hands.now += 1
    assert [shop.asks(), shop.asks()] == [1, 0]
    assert len(agents_events(shop)) == 4


def test_the_same_answer_a_minute_later_holds_a_minute_longer(shop: Shop) -> None:
    shop.asks()
    until = shop.told().agents[""].until
    shop.hands.now += MINUTE
    shop.asks()
    assert until == shop.hands.now - MINUTE + GOOD_FOR
    assert shop.told().agents[""].until == until + MINUTE


def test_who_goes_home_is_gone_a_minute_later(shop: Shop) -> None:
    shop.asks()
    assert shop.online() == (1, 1, 0)
    shop.chatwoot.agents["3"] = ["offline"]
    shop.hands.now += MINUTE
    shop.asks()
    assert shop.online() == (0, 0, 0)


@pytest.mark.parametrize(("statuses", "invited"), [(["online"], 1), (["busy"], 0), (["offline"], 0), ([], 0)])
def test_only_whom_somebody_could_answer_is_invited(shop: Shop, statuses: list[str], invited: int) -> None:
    """By the clock of the wall, as the door has it."""
    shop.chatwoot.agents["3"] = statuses
    shop.hands.now = wall_clock()
    assert shop.invites("before") == 0
    shop.asks()
    assert shop.invites("after") == invited


# --- when it does not say ---------------------------------------------------------------------------------------------


def test_nobody_is_online_for_ever(shop: Shop) -> None:
    """What was told three minutes ago invites nobody now, whether or not the clock lives to notice."""
    shop.hands.now = wall_clock() - GOOD_FOR
    shop.asks()
    assert shop.online() == (1, 1, 0)
    assert shop.invites("too-late") == 0
    shop.hands.now += GOOD_FOR
    assert shop.online() is None


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_a_tool_that_says_no_is_asked_again_ever_more_rarely_and_counts_as_not_known(shop: Shop, status: int) -> None:
    shop.asks()
    shop.chatwoot.status = status
    shop.hands.now += MINUTE
    last = shop.hands.now - MINUTE
    pauses = []
    for _ in range(6):
        assert shop.asks() == 1
        assert (shop.online() is None) == (shop.hands.now >= last + GOOD_FOR)
        pause = shop.rows(ERRANDS)[0].due_at - shop.hands.now
        pauses.append(pause)
        shop.hands.now += pause
    assert pauses == [MINUTE, 2 * MINUTE, 4 * MINUTE, *[ROLL_CALL_RESTS] * 3]
    attempt, problem = shop.problem()
    assert (attempt, f"Chatwoot answered {status}" in problem, TOKEN in problem) == (6, True, False)
    shop.chatwoot.status = 200
    shop.asks()
    assert (shop.online(), shop.problem()) == ((1, 1, 0), (0, ""))


def test_a_wrong_token_opens_nothing_and_is_not_repeated(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATWOOT_TOKEN", "of-somebody-else")
    shop.asks()
    assert shop.online() is None
    assert "401" in shop.problem()[1]
    assert "of-somebody-else" not in shop.problem()[1]


def test_one_inbox_that_is_gone_leaves_the_others_not_known_too(shop: Shop) -> None:
    """Half an answer could have a rule take a department for closed."""
    del shop.chatwoot.agents["12"]
    shop.asks()
    assert shop.online() is None
    assert shop.problem() == (1, "Chatwoot answered 404 to inboxes/12")


def test_a_tool_that_wants_to_be_left_alone_is(shop: Shop) -> None:
    shop.chatwoot.status, shop.chatwoot.headers = 429, {"Retry-After": "90"}
    assert shop.asks() == 1
    asked = len(shop.chatwoot.asked)
    assert asked == 1
    shop.hands.now += 90 * SECOND - 1
    assert (shop.asks(), len(shop.chatwoot.asked)) == (0, asked)
    shop.chatwoot.status, shop.chatwoot.headers = 200, {}
    shop.hands.now += 1
    assert shop.asks() == 1
    assert shop.online() == (1, 1, 0)
    assert shop.problem() == (0, "")


def test_a_tool_that_nobody_can_reach_is_waited_for(shop: Shop) -> None:
    shop.asks()
    shop.chatwoot.close()
    shop.hands.now += MINUTE
    shop.asks()
    assert "no answer" in shop.problem()[1] or "nobody answers" in shop.problem()[1]
    shop.hands.now += 2 * MINUTE
    assert shop.online() is None


def test_a_tool_that_is_slow_keeps_the_others_waiting_no_longer_than_its_time(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "ROLL_CALL_S", 0.0)
    shop.asks()
    assert (shop.chatwoot.asked, shop.problem()) == ([], (1, "it took too long to answer"))


def test_a_shop_that_takes_it_out_of_its_file_asks_no_more(shop: Shop) -> None:
    shop.asks()
    file = shop.settings.rules / "ink.yaml"
    file.write_text(file.read_text().replace(CHATWOOT, ""))
    shop.house.live.look_now()
    shop.house.live.look_now()
    asked = len(shop.chatwoot.asked)
    shop.hands.now += GOOD_FOR
    shop.asks()
    assert (len(shop.chatwoot.asked), shop.online()) == (asked, None)
