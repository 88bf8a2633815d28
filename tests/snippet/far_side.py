"""The far side of the snippet: a loopback server with the shop's pages, the script, and programmable answers."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeAlias, cast
from urllib.parse import urlsplit

from tests.parts import DEADLINE_S

DIST = Path(__file__).parents[2] / "snippet" / "dist"
STUB = '!function(w,n){w[n]=w[n]||function(){(w[n].q=w[n].q||[]).push(arguments)}}(window,"shopbell")'

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the server says to a batch; a status of 0 hangs up without a word."""

    status: int = 202
    body: Json = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """A page of the shop: what its head runs before the script, its body, and the headers it comes with."""

    head: str = ""
    body: str = "<h1>Ink</h1>"
    tag: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def html(self) -> str:
        """The whole page, stub and script tag included."""
        tag = self.tag or '<script async src="/shopbell.js" data-key="pk_test"></script>'
        nonce = ' nonce="n0nce"' if "nonce=" in tag else ""
        return (
            '<!doctype html><html lang="nl"><head><meta charset="utf-8"><title>Ink</title>'
            f'<link rel="icon" href="data:,"><script{nonce}>{STUB};{self.head}</script>{tag}</head>'
            f"<body>{self.body}</body></html>"
        )


GRANTED = "shopbell('consent', {analytics: true});"


@dataclass
class FarSide:
    """Everything that was asked, and what is answered."""

    origin: str = ""
    bodies: list[Json] = field(default_factory=list)
    accepted: list[Json] = field(default_factory=list)
    methods: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    respond: Callable[[Json], Answer] = lambda _body: Answer()
    pages: dict[str, Page] = field(default_factory=dict)
    carts: dict[str, Json] = field(default_factory=dict)
    platform: Callable[[str, str, Json], Answer | None] = lambda _method, _path, _body: None
    """What the shop's own platform says to its pages: to a method and a path with what was sent."""
    default: Page = field(default_factory=lambda: Page(head=GRANTED))
    changed: threading.Condition = field(default_factory=threading.Condition)

    def events(self, kind: str | None = None) -> list[Json]:
        """The events that were answered 202, each id once, in the order of their first arrival."""
        with self.changed:
            found = {event["id"]: event for body in self.accepted for event in body["events"]}
        return [event for event in found.values() if kind in (None, event["type"])]

    def types(self) -> list[str]:
        """The kinds of all events."""
        return [event["type"] for event in self.events()]

    def wait_for(self, condition: Callable[["FarSide"], object], within: float = DEADLINE_S) -> None:
        """Returns as soon as the condition holds; fails with what did arrive."""
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self), within):
                raise AssertionError(f"never came true; arrived: {[body['events'] for body in self.bodies]}")

    def wait_for_event(self, kind: str, times: int = 1) -> Json:
        """The last of so many events of a kind."""
        self.wait_for(lambda far: len(far.events(kind)) >= times)
        return self.events(kind)[-1]

    def take(self, body: Json, headers: dict[str, str]) -> Answer:
        """Notes a batch and says what to answer."""
        with self.changed:
            self.bodies.append(body)
            self.headers.append(headers)
            planned = self.answers.pop(0) if self.answers else None
            self.changed.notify_all()
        answer = planned or self.respond(body)  # may take its time: others are answered meanwhile
        with self.changed:
            if answer.status == 202:
                self.accepted.append(body)
            self.changed.notify_all()
        return answer


class Handler(BaseHTTPRequestHandler):
    """Pages, script, carts and the ingest door."""

    far: FarSide
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it so
        """Says nothing: a failing test shows what arrived."""

    def _send(self, status: int, kind: str, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _cors(self) -> dict[str, str]:
        return {
            "Access-Control-Allow-Origin": self.headers.get("Origin") or "null",
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Expose-Headers": "Retry-After, Date",
        }

    def _note(self) -> str:
        path = urlsplit(self.path).path
        self.far.methods.append((self.command, path))
        return path

    def _answers_for_the_platform(self, body: Json) -> bool:
        answer = self.far.platform(self.command, self.path, body)
        if answer is not None:
            self._send(answer.status, "application/json", json.dumps(answer.body).encode(), answer.headers)
        return answer is not None

    def do_OPTIONS(self) -> None:
        """A preflight: allowed, and noted, since there should be none."""
        self._note()
        self._send(204, "text/plain", b"", {**self._cors(), "Access-Control-Allow-Headers": "content-type"})

    def do_GET(self) -> None:
        """A file of the snippet, a saved cart, or a page of the shop."""
        path = self._note()
        if self._answers_for_the_platform({}):
            return
        if path in ("/shopbell.js", "/shopbell-ui.js") or path.startswith("/adapters/"):
            self._send(200, "text/javascript", (DIST / path[1:]).read_bytes(), {"Access-Control-Allow-Origin": "*"})
        elif path.startswith("/v1/carts/"):
            cart = self.far.carts.get(path.removeprefix("/v1/carts/"))
            body = json.dumps(cart or {}).encode()
            self._send(200 if cart else 404, "application/json", body, self._cors())
        else:
            page = self.far.pages.get(path, self.far.default)
            self._send(200, "text/html", page.html().encode(), page.headers)

    def do_POST(self) -> None:
        """A batch of events, or what the shop's own pages ask of its platform."""
        path = self._note()
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if path != "/v1/events":
            assert self._answers_for_the_platform(cast("Json", json.loads(raw or b"{}"))), path
            return
        answer = self.far.take(cast("Json", json.loads(raw)), dict(self.headers.items()))
        if not answer.status:
            self.close_connection = True
            return
        body = json.dumps({"accepted": 1, "messages": [], "next_check_ms": None, **answer.body}).encode()
        self._send(answer.status, "application/json", body, {**self._cors(), **answer.headers})


class Server(ThreadingHTTPServer):
    """Lets go of a browser that has already closed."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A page that was left closes its connections: nothing to report."""


def serve(far: FarSide) -> Server:
    """Starts answering on a free port of 127.0.0.1; `far.origin` says where."""
    server = Server(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"far": far}))
    far.origin = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server
