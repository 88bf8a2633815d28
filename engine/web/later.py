"""Answers that are known later, so that no thread waits for them."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

from flask import Response

from engine.web.faults import fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HAND_OVER: Final = "shopbell.hand_over"
"""A server that can wait without a thread puts a function there that takes a :class:`Later`."""


Headers = list[tuple[str, str]]


class Answered(NamedTuple):
    """An answer as it goes to the server."""

    status: int
    headers: Headers
    body: bytes

    @classmethod
    def of(cls, response: Response) -> Answered:
        return cls(response.status_code, response.headers.to_wsgi_list(), response.get_data())


class Later(Response):
    """A response that is begun now and finished later.

    Under the server of ``shopbell web`` nothing waits for it but a future; any other WSGI server, and Flask's test
    client, waits for it in the thread that asked.
    """

    def __init__(self) -> None:
        # What it will become has a status, headers and a body; this one has nothing to prepare.
        pass

    @abstractmethod
    def begin(self, tell: Callable[[], object]) -> None:
        """Start whatever takes time; ``tell`` is called once, from any thread, when :meth:`finish` can be."""

    @abstractmethod
    def give_up(self) -> None:
        """Whoever asked has waited long enough: come to an end soon, if that is still possible."""

    @abstractmethod
    def finish(self) -> Answered:
        """The answer itself."""

    def answered(self) -> Answered:
        """The answer, also to a mistake of ours."""
        try:
            return self.finish()
        except Exception as error:  # noqa: BLE001 - Flask's error handlers are behind us already
            return Answered.of(fault(error))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        hand_over: Callable[[Later], object] | None = environ.get(HAND_OVER)
        if hand_over is not None:
            hand_over(self)
            return ()
        told = threading.Event()
        self.begin(told.set)
        told.wait()
        answer = self.answered()
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", answer.headers)
        return (answer.body,)
