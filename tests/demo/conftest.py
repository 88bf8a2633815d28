"""The demo shop on a bare Flask app, and a real loopback server in Shopbell's place that writes down what it hears."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypedDict

import pytest
from flask import Flask
from flask.testing import FlaskClient

from demo import DemoSettings, counter, create_blueprint
from tests.parts import DEADLINE_S

SECRET = "sk_the_shops_own"


class Body(TypedDict):
    sent_at: str
    events: list[dict[str, object]]


@dataclass
class Heard:
    """One request as it came in."""

    path: str
    authorization: str
    body: Body


@dataclass
class Shopbell:
    """What a real HTTP server heard, and what it answers."""

    address: str
    status: int = 202
    heard: list[Heard] = field(default_factory=list)

    @property
    def events(self) -> list[dict[str, object]]:
        return [event for request in self.heard for event in request.body["events"]]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shop waits for Shopbell's answer however busy the machine is."""
    monkeypatch.setattr(counter, "TIME_OUT_S", DEADLINE_S)


@pytest.fixture
def shopbell() -> Iterator[Shopbell]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body: Body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known.heard.append(Heard(self.path, self.headers.get("Authorization", ""), body))
            self.send_response(known.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Nothing on the terminal: what was heard is in `heard`."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        known = Shopbell(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield known
        server.shutdown()
        thread.join()


def make_app(settings: DemoSettings) -> Flask:
    app = Flask(__name__)
    app.register_blueprint(create_blueprint(settings))
    return app


@pytest.fixture
def app(shopbell: Shopbell) -> Flask:
    return make_app(DemoSettings(secret_key=SECRET, server_endpoint=shopbell.address))


@pytest.fixture
def shopper(app: Flask) -> FlaskClient:
    """A browser without JavaScript: it keeps cookies and sends forms."""
    return app.test_client()
