"""The other side of a recorded conversation, on a real socket."""

from __future__ import annotations

import socket
import threading
from io import BufferedRWPair

import msgspec

from tests.parts import DEADLINE_S


class Step(msgspec.Struct, forbid_unknown_fields=True):
    """One step: a line they say, a line of ours that begins like this, or a body of ours that holds this."""

    they: str = ""
    we: str = ""
    we_pour: str = ""
    hang_up: bool = False


class Exchange:
    """Plays the other side of ``steps`` for one connection; ``differences`` is where we did not follow them."""

    def __init__(self, steps: list[Step]) -> None:
        self._steps = steps
        self.differences: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Exchange:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(DEADLINE_S)
        self._listener.close()
        assert not self._thread.is_alive(), "the conversation did not come to its end"

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection, connection.makefile("rwb") as line:
            for step in self._steps:
                self._play(step, line)

    def _play(self, step: Step, line: BufferedRWPair) -> None:
        if step.they:
            line.write(f"{step.they}\r\n".encode())
            line.flush()
        elif step.we:
            said = line.readline().decode().strip()
            if not said.casefold().startswith(step.we.casefold()):
                self.differences.append(f"{said!r} where {step.we!r} was recorded")
        elif step.we_pour:
            body = b"".join(iter(line.readline, b".\r\n"))
            if step.we_pour not in body.decode():
                self.differences.append(f"no {step.we_pour!r} in the mail")
