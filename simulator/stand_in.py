"""The platform's API on this machine, in place of the real one's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask, Response
from werkzeug.serving import WSGIRequestHandler, make_server


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's own name for it
        """Nobody reads a line for each question."""


@contextmanager
def serving(api: Flask, port: int, is_away: Callable[[], bool]) -> Iterator[str]:
    """The platform's API on this machine; while the platform is away it answers 503."""

    def away() -> Response | None:
        return Response(status=503) if is_away() else None

    api.before_request_funcs.setdefault(None, []).insert(0, away)
    server = make_server("127.0.0.1", port, api, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, name="platform", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
