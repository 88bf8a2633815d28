"""``shopbell up``, whole: it comes up, gets over the death of any of its processes, and leaves nothing behind."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, Popen
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import pytest

from engine.cli._ports import Ports
from engine.mailbox import list_mails
from tests.parts import DEADLINE_S, free_port
from tests.service.house import HANG_S, wait_until

UP = [sys.executable, "-m", "engine.cli", "up"]


@dataclass
class House:
    """A running ``shopbell up``."""

    process: Popen[str]
    environment: dict[str, str]
    said: Path
    """What it says goes here."""

    def is_up(self) -> bool:
        return "Ctrl-C stops everything." in self.said.read_text()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.environment['PORT']}"

    def get(self, path: str) -> str:
        with urlopen(f"{self.address}{path}", timeout=DEADLINE_S) as answer:
            return str(answer.read().decode())

    def processes(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def named(self, name: str) -> psutil.Process | None:
        """The process of this name that has run longest."""
        found = [process for process in self.processes() if name in _what_it_is(process)]
        return min(found, key=lambda process: process.create_time(), default=None)

    def answers(self) -> bool:
        try:
            with urlopen(f"{self.address}/readyz", timeout=30):
                return True
        except (URLError, OSError, HTTPException):
            return False

    def wait_until(self, true: Callable[[], bool], what: str, timeout_s: float = HANG_S) -> None:
        give_up_at = time.monotonic() + timeout_s
        while not true():
            assert time.monotonic() < give_up_at, f"waited {timeout_s} s for {what}"
            self._beat()

    def _beat(self) -> None:
        """Let a moment pass, and fail at once when the whole has ended meanwhile."""
        try:
            code = self.process.wait(0.02)
        except subprocess.TimeoutExpired:
            return
        raise AssertionError(f"shopbell up ended with exit code {code}")


def _what_it_is(process: psutil.Process) -> list[str]:
    try:
        return [process.name(), *process.cmdline()[-1:]]
    except psutil.NoSuchProcess:
        return []


@contextmanager
def started(environment: dict[str, str], said: Path) -> Iterator[House]:
    """A ``shopbell up`` that has begun; it is stopped in order at the end, unless it has ended by itself."""
    with said.open("w") as out, Popen(UP, env=environment, stdout=out, stderr=STDOUT, text=True) as process:
        try:
            yield House(process, environment, said)
        finally:
            still_up = process.poll() is None
            process.send_signal(signal.SIGINT)
            sys.stdout.write(said.read_text())  # pytest shows it when the test fails
        assert process.wait(DEADLINE_S) == 0 or not still_up


@pytest.fixture
def house(environment: dict[str, str], tmp_path: Path) -> Iterator[House]:
    with started(environment, tmp_path / "said") as house:
        house.wait_until(house.is_up, "the addresses", DEADLINE_S)
        yield house


def test_everything_is_where_it_is_said_to_be(house: House) -> None:
    assert house.answers()
    assert "<html" in house.get("/demo/")
    assert "<html" in house.get("/dev/mailbox")
    assert house.get("/dev/mailbox.json")
    assert list_mails(Path(house.environment["DATA_DIR"]) / "mailbox") == []


@pytest.mark.parametrize("name", ["web", "worker", "clock", "mailbox", "valkey-server"])
def test_a_killed_process_is_back(house: House, name: str) -> None:
    killed = house.named(name)
    assert killed is not None
    killed.kill()
    house.wait_until(lambda: not killed.is_running(), f"the death of {name}")
    house.wait_until(lambda: house.named(name) is not None, f"another {name}")
    house.wait_until(house.answers, "an answer")


def test_the_process_that_answers_is_back_when_killed(house: House) -> None:
    owner = house.named("web")
    assert owner is not None
    (answering,) = owner.children()
    answering.kill()
    house.wait_until(lambda: not answering.is_running(), "its death")
    house.wait_until(house.answers, "an answer")


def test_ctrl_c_stops_everything(house: House) -> None:
    everything = house.processes()
    assert len(everything) >= 6
    house.process.send_signal(signal.SIGINT)
    assert house.process.wait(DEADLINE_S) == 0
    _, alive = psutil.wait_procs(everything, timeout=DEADLINE_S)
    assert alive == []


def test_nothing_is_left_when_it_is_killed_itself(house: House) -> None:
    everything = house.processes()
    house.process.kill()
    _, alive = psutil.wait_procs(everything, timeout=DEADLINE_S)
    assert alive == []


def test_two_on_one_folder_is_one_too_many(house: House) -> None:
    second = subprocess.run(UP, env=house.environment, stdout=DEVNULL, stderr=PIPE, text=True, timeout=DEADLINE_S)
    assert second.returncode == 1
    assert second.stderr.startswith(f"shopbell: Shopbell is already running on {house.environment['DATA_DIR']};")
    assert house.answers()


def test_a_platforms_secret_that_is_not_there_is_told_once_and_nothing_starts(
    environment: dict[str, str], tmp_path: Path
) -> None:
    rules = tmp_path / "shop.yaml"
    rules.write_text("shop: {name: Ink}\nintegrations: {shopify: {shop: ink.myshopify.com}}\nrules: []\n")
    answer = subprocess.run(
        UP, env=environment | {"RULES": str(rules)}, capture_output=True, text=True, timeout=DEADLINE_S
    )
    sentence = "shopbell: integration shopify: client_secret names env:SHOPIFY_CLIENT_SECRET, which is not set\n"
    assert (answer.returncode, answer.stdout, answer.stderr) == (2, "", sentence)
    assert not Path(environment["DATA_DIR"]).exists()


def test_two_that_start_at_once_keep_each_a_mailbox_of_its_own(environment: dict[str, str], tmp_path: Path) -> None:
    """Whoever looked for a free port and took it later would have brought its mails to the other."""
    other = environment | {"DATA_DIR": str(tmp_path / "other"), "PORT": str(free_port())}
    with started(environment, tmp_path / "said") as one, started(other, tmp_path / "said too") as two:
        for house in (one, two):
            house.wait_until(house.is_up, "the addresses", DEADLINE_S)
            house.wait_until(lambda house=house: len(_mailbox_ports(house)) == 1, "its mailbox")  # type: ignore[misc]
        assert len(_mailbox_ports(one) | _mailbox_ports(two)) == 2
        assert int(environment["MAILBOX_PORT"]) in _mailbox_ports(one) | _mailbox_ports(two)
        assert [house.said.read_text().count("starting it again") for house in (one, two)] == [0, 0]


def _mailbox_ports(house: House) -> set[int]:
    mailbox = house.named("mailbox")
    listening = mailbox.net_connections("tcp") if mailbox is not None else []
    return {connection.laddr.port for connection in listening if connection.status == psutil.CONN_LISTEN}


def test_of_two_that_start_at_once_on_one_port_one_says_so_and_ends(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """However close they are, and however long it takes until the other one listens."""
    other = environment | {"DATA_DIR": str(tmp_path / "other")}
    with started(environment, tmp_path / "said") as one, started(other, tmp_path / "said too") as two:
        ended = wait_until(lambda: [house for house in (one, two) if house.process.poll() is not None], "one to end")
        assert len(ended) == 1
        loser, winner = (one, two) if one in ended else (two, one)
        assert loser.process.returncode == 1
        address = f"127.0.0.1:{environment['PORT']}"
        assert loser.said.read_text() == (
            f"shopbell: Shopbell cannot listen on {address}: Address already in use. PORT chooses another port.\n"
        )
        winner.wait_until(winner.is_up, "the addresses", DEADLINE_S)


def test_a_port_is_held_until_the_end_and_a_server_of_our_own_may_listen_there() -> None:
    taken = free_port()
    with Ports() as ports:
        assert ports.hold("127.0.0.1", taken) == taken
        with socket.create_server(("127.0.0.1", taken)):
            pass
        assert _held_by_another_process(taken) not in (0, taken)
    assert _held_by_another_process(taken) == taken


def _held_by_another_process(port: int) -> int:
    asking = (
        f"from engine.cli._ports import Ports\nwith Ports() as own: print(own.hold_or_another('127.0.0.1', {port}))"
    )
    return int(subprocess.run([sys.executable, "-c", asking], stdout=PIPE, text=True, check=True).stdout)


def test_a_port_where_somebody_listens_is_not_held() -> None:
    with socket.create_server(("127.0.0.1", 0)) as somebody, Ports() as ports:
        port = somebody.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            ports.hold("127.0.0.1", port)
        assert ports.hold_or_another("127.0.0.1", port) != port


def test_a_web_process_whose_port_is_taken_says_so_in_one_sentence(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(environment["PORT"]))):
        web = subprocess.run([*UP[:-1], "web"], env=environment, stdout=DEVNULL, stderr=PIPE, text=True, check=False)
    assert web.returncode == 2
    assert web.stderr.startswith(f"shopbell: Shopbell cannot listen on 127.0.0.1:{environment['PORT']}: ")
    assert web.stderr.count("\n") == 1
