"""Lightspeed's API on loopback: what a test puts there is there, over a real socket, with the calls that are left."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from engine.http import Caller

Json = dict[str, object]
LOOPBACK = Caller(permit=lambda address: address.is_loopback, schemes=("http",))
LIMITS = {"limit5Min": (300, 300), "limitHour": (3_000, 3_600), "limitDay": (12_000, 86_400)}
"""How many calls there are of each, and after how many seconds there are so many again."""


class Asked(NamedTuple):
    """One request: ``place`` is its path without host, language and ending."""

    method: str
    place: str
    query: dict[str, str]
    host: str
    language: str
    authorization: str
    url: str


class Webshopapp:
    """The far side of the line. ``things`` are answered as they are, by their place; lists by what makes a page."""

    def __init__(self) -> None:
        self.things: dict[str, Json] = {}
        self.lists: dict[str, Callable[[dict[str, str]], list[Json]]] = {}
        self.refuses_to_make = 0
        """With which status everything new is refused; 0 when it is not."""
        self.in_language: dict[str, dict[str, Json]] = {}
        """What is there in a language instead."""
        self.refuses_language: dict[str, int] = {}
        """With which status everything that there is in a language only is refused."""
        self.registered: dict[str, list[Json]] = {"webhooks": [], "shop/scripts": []}
        self.refuses: dict[str, int] = {}
        """With which status what lies at a place is refused; at "" everything."""
        self.told_at = ""
        """What the ``Date`` header says; "" for none."""
        self.used = 0
        """Calls that were made, by us and by anybody else with the same key."""
        self.tells_limits = True
        self.asked: list[Asked] = []
        self._numbers = count(64674)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self._server.server_port}/{{host}}/{{language}}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Webshopapp:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def places(self, *, since: int = 0) -> list[str]:
        """Where was asked, and how, one after the other."""
        return [f"{each.method} {each.place}" for each in self.asked[since:]]

    def answer(self, asked: Asked, body: Json) -> tuple[int, Json]:
        self.asked.append(asked)
        self.used += 1
        refused = self.refuses.get(asked.place, self.refuses.get("", self.refuses_language.get(asked.language)))
        if refused is not None:
            return refused, {"error": {"code": refused}}
        if self.used > LIMITS["limit5Min"][0]:
            return 429, {"error": {"code": 429, "message": "Too Many Requests"}}
        collection, _, name = asked.place.rpartition("/")
        if asked.method == "GET":
            return self._found(asked)
        return self._changed(asked.method, collection if asked.method != "POST" else asked.place, name, body)

    def _found(self, asked: Asked) -> tuple[int, Json]:
        if asked.place == "account/ratelimit":
            return 200, {"accountRatelimit": {name: self._window(name) for name in LIMITS}}
        if asked.place in self.registered:
            return 200, {asked.place.replace("/s", "S"): self.registered[asked.place]}
        if asked.place in self.lists:
            return 200, {asked.place: self.lists[asked.place](asked.query)}
        found = self.in_language.get(asked.language, {}).get(asked.place) or self.things.get(asked.place)
        return (404, {"error": {"code": 404}}) if found is None else (200, found)

    def _changed(self, method: str, place: str, name: str, body: Json) -> tuple[int, Json]:
        there = self.registered[place]
        if method == "POST" and self.refuses_to_make:
            return self.refuses_to_make, {"error": {"code": self.refuses_to_make}}
        [told] = body.values() or [{}]
        assert isinstance(told, dict)
        if method == "POST":
            there.append(told | {"id": next(self._numbers)})
            return 201, body
        [known] = [item for item in there if str(item["id"]) == name]
        there.remove(known)
        if method == "PUT":
            there.append(known | told)
        return (200 if method == "PUT" else 204), body

    def _window(self, name: str) -> Json:
        most, ends_s = LIMITS[name]
        return {"limit": most, "remaining": max(0, most - self.used), "reset": ends_s}

    def _headers(self) -> dict[str, str]:
        windows = [self._window(name) for name in LIMITS] if self.tells_limits else []
        stated = [("Limit", "limit"), ("Remaining", "remaining"), ("Reset", "reset")]
        told = {f"X-RateLimit-{header}": "/".join(str(window[name]) for window in windows) for header, name in stated}
        return (told if windows else {}) | ({"Date": self.told_at} if self.told_at else {})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Answering(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                body = json.loads(self.rfile.read(length)) if length else {"": {}}
                parts = urlsplit(self.path)
                host, language, place = parts.path.strip("/").split("/", 2)
                asked = Asked(
                    self.command,
                    place.removesuffix(".json"),
                    dict(parse_qsl(parts.query)),
                    host,
                    language,
                    self.headers.get("Authorization", ""),
                    self.path,
                )
                status, told = api.answer(asked, body)
                # As PHP writes it: slashes and all letters beyond ASCII are escaped.
                sent = json.dumps(told).replace("/", "\\/").encode() if status != 204 else b""
                self.send_response_only(status)
                for name, value in {**api._headers(), "Content-Length": str(len(sent))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - as http.server calls them

            def log_message(self, *_: object) -> None:
                """Nobody reads along."""

        return Answering
