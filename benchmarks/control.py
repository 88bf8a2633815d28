"""The bare control: Shopbell's own server around the least that Flask can do with the same request.

``python -m benchmarks.control`` takes the same environment as ``shopbell web``; with ``BENCH_WITHOUT_FLASK`` in it, the
endpoint is a WSGI function.
"""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import granian.server
import msgspec
from flask import Flask, Response, request

from engine.cli import web
from engine.tether import die_with_parent
from engine.web.gateway import Gateway

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

WITHOUT_FLASK = "BENCH_WITHOUT_FLASK"
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


def answering_app() -> Gateway:
    """Reads the body, decodes it, and answers in Shopbell's words; checks nothing and keeps nothing."""
    owner = multiprocessing.parent_process()
    if owner is not None and owner.pid is not None:
        die_with_parent(owner.pid)
    app = _without_flask if os.environ.get(WITHOUT_FLASK) else _flask()
    return Gateway(app, quick={"/v1/events"}, threads=ThreadPoolExecutor(1))


def _flask() -> Flask:
    app = Flask(__name__)

    @app.post("/v1/events")
    def post_events() -> Response:
        answer = _answer(request.get_data(cache=False))
        return Response(answer, status=202, content_type="application/json")

    @app.post("/hooks/<name>/<shop>")
    def post_hook(name: str, shop: str) -> Response:
        del name, shop
        request.get_data(cache=False)
        return Response(_encode({"result": "accepted"}), content_type="application/json")

    return app


def _without_flask(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    answer = _answer(environ["wsgi.input"].read())
    start_response("202 ACCEPTED", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return (answer,)


def _answer(body: bytes) -> bytes:
    batch = _decode(body)
    answer = {"accepted": len(batch["events"]), "duplicates": 0, "rejected": [], "warnings": [], "messages": []}
    return _encode(answer | {"next_check_ms": None})


def _server_for_control(real: Any, _shopbell: str, **same: Any) -> Any:  # noqa: ANN401 - whatever granian takes
    return real(f"{__spec__.name}:answering_app", **same)


if __name__ == "__main__":
    # Whatever settings `shopbell web` gives its server, the control's server has them too.
    with patch("granian.server.Server", partial(_server_for_control, granian.server.Server)):
        web.command(standalone_mode=False, args=[])
