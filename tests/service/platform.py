"""A shop whose platform is a parrot (``tests/fixtures/platform``), and its webhooks as they come over the wire."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import NamedTuple, Self

import msgspec
import pytest
import structlog
from werkzeug.test import TestResponse

import integrations
from engine import http, integration
from engine.http import Caller
from engine.settings import Settings
from engine.store import errands
from tests.builders import Hands
from tests.service.doors import Door, environment_for, rule_file

FOLDER = Path(__file__).parents[1] / "fixtures" / "platform"
SECRETS = {"ink": "ink-whispers", "tea": "tea-whispers"}
LOOPBACK = partial(Caller, permit=lambda address: address.is_loopback, schemes=("http",))
BELL = "https://bell.example"
_numbers = count(1)


@contextmanager
def parrot_at_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """While this lasts there is an integration called ``parrot``."""
    monkeypatch.setattr(integrations, "__path__", [*integrations.__path__, str(FOLDER)])
    integration.known.cache_clear()
    for shop, secret in SECRETS.items():
        monkeypatch.setenv(f"PARROT_{shop.upper()}", secret)
    yield
    monkeypatch.undo()
    integration.known.cache_clear()


def stop_errands_clock(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """The clock by which errands are due, standing still until it is moved."""
    still = Hands()
    monkeypatch.setattr(errands, "database_now", lambda connection: still())
    return still


class PlatformDoor(Door):
    """A running application whose two shops have a parrot each."""

    def deliver(
        self,
        body: bytes,
        topic: str = "said",
        *,
        shop: str = "ink",
        name: str | None = None,
        secret: str | None = None,
        **headers: str,
    ) -> TestResponse:
        """One delivery, signed with the shop's secret unless another is named; each has an id of its own."""
        signed = base64.b64encode(hmac.new((secret or SECRETS[shop]).encode(), body, hashlib.sha256).digest()).decode()
        own = {"X-Topic": topic, "X-Id": name or f"delivery-{next(_numbers)}", "X-Signature": signed}
        return self.post(f"/hooks/parrot/{shop}", body, own | {k.replace("_", "-"): v for k, v in headers.items()})

    def say(self, *events: object, shop: str = "ink", name: str | None = None) -> str:
        """Events by webhook; what became of the delivery."""
        return result_of(self.deliver(msgspec.json.encode({"events": events}), shop=shop, name=name))

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> TestResponse:
        """Whatever comes, the answer is one that the published contract tells of."""
        answer = self.client.post(path, data=body, headers=headers)
        self.contract.names_no_other_than(answer, "POST", "/hooks/{integration}/{shop}")
        return answer


def result_of(answer: TestResponse) -> str:
    assert answer.status_code == 200, (answer.status_code, answer.get_data(as_text=True))
    return str(answer.get_json()["result"])


def with_parrot(text: str, shop: str) -> str:
    return text.replace("integrations:\n", f"integrations:\n  parrot: {{secret: env:PARROT_{shop.upper()}}}\n")


def platform_settings(folder: Path, database_url: str) -> Settings:
    """Settings of a production Shopbell whose shops ``ink`` and ``tea`` have a parrot each."""
    (folder / "rules").mkdir(exist_ok=True)
    for shop in SECRETS:
        (folder / "rules" / f"{shop}.yaml").write_text(with_parrot(rule_file(shop, f"https://{shop}.example"), shop))
    return Settings.from_env(environment_for(folder, database_url))


@contextmanager
def open_platform_door(folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlatformDoor]:
    with parrot_at_home(monkeypatch):
        door = PlatformDoor(platform_settings(folder, database_url))
        try:
            yield door
        finally:
            door.close()


@contextmanager
def open_door_for_commands(folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlatformDoor]:
    """The same, which commands find by their environment; platforms reach it at ``BELL``, and it may call loopback."""
    with open_platform_door(folder, database_url, monkeypatch) as door:
        for name, value in environment_for(folder, database_url).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PUBLIC_URL", BELL)
        monkeypatch.setattr(http, "Caller", LOOPBACK)
        yield door
    structlog.reset_defaults()  # commands tell their log to stderr


class Answer(NamedTuple):
    body: bytes
    status: int = 200
    headers: dict[str, str] = {}  # noqa: RUF012 - nobody changes it


class Api:
    """The parrot's API on loopback; ``answers`` are given one after the other, the last one for ever.

    Before an answer it waits for ``open_``, which is open unless a test closes it.
    """

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.methods: list[str] = []
        self.open_ = threading.Event()
        self.open_.set()
        api = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                api.asked.append(self.path)
                api.methods.append(self.command)
                api.open_.wait()
                answer = api.answer_to(self.path)
                self.send_response(answer.status)
                for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - as http.server calls them

            def log_message(self, *_: object) -> None:
                """Nobody reads along."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def answer_to(self, path: str) -> Answer:
        """What is answered to whoever asks for this."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.open_.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
