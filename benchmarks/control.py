"""The bare control: Shopbell's own server around the least that Flask can do with the same request.

``python -m benchmarks.control`` takes the same environment as ``shopbell web``.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from unittest.mock import patch

import granian.server
import msgspec
from flask import Flask, Response, request

from engine.cli import web
from engine.tether import die_with_parent
from engine.web.gateway import Gateway

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


def answering_app() -> Gateway:
    """Reads the body, decodes it, and answers in Shopbell's words; checks nothing and keeps nothing."""
    owner = multiprocessing.parent_process()
    if owner is not None and owner.pid is not None:
        die_with_parent(owner.pid)
    app = Flask(__name__)

    @app.post("/v1/events")
    def post_events() -> Response:
        batch = _decode(request.get_data(cache=False))
        answer = {"accepted": len(batch["events"]), "duplicates": 0, "rejected": [], "warnings": [], "messages": []}
        return Response(_encode(answer | {"next_check_ms": None}), status=202, content_type="application/json")

    return Gateway(app, quick={"/v1/events"}, threads=ThreadPoolExecutor(1))


def _server_for_control(real: Any, _shopbell: str, **same: Any) -> Any:  # noqa: ANN401 - whatever granian takes
    return real(f"{__spec__.name}:answering_app", **same)


if __name__ == "__main__":
    # Whatever settings `shopbell web` gives its server, the control's server has them too.
    with patch("granian.server.Server", partial(_server_for_control, granian.server.Server)):
        web.command(standalone_mode=False, args=[])
