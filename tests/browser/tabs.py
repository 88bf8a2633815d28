"""Tabs that really cover each other.

Playwright keeps every page visible and focused, and so cannot show what a hidden tab does. This speaks the browser's
own protocol over a pipe, in which a tab that is brought to the front hides the others, as for a person.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from select import select

from tests.parts import DEADLINE_S

TO_BROWSER, FROM_BROWSER = 3, 4
"""The descriptors on which a browser with ``--remote-debugging-pipe`` listens and answers."""
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe")

Answer = dict[str, object]


class Wire:
    """The protocol: JSON messages with a zero byte after each; one call at a time."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._out = os.fdopen(to_browser, "wb", buffering=0)
        self._in = os.fdopen(from_browser, "rb", buffering=0)
        self._rest = b""
        self._numbers = count(1)

    def call(self, method: str, session: str | None = None, **params: object) -> Answer:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        self._out.write(json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != number:
            pass  # what happened in the browser meanwhile, which nobody asked about
        assert "error" not in answer, answer
        result = answer["result"]
        assert isinstance(result, dict)
        return result

    def _read(self) -> Answer:
        while b"\0" not in self._rest:
            assert select([self._in], [], [], DEADLINE_S)[0], f"the browser has said nothing for {DEADLINE_S} s"
            read = self._in.read(1 << 16)
            assert read, "the browser is gone"
            self._rest += read
        message, _, self._rest = self._rest.partition(b"\0")
        answer: Answer = json.loads(message)
        return answer

    def close(self) -> None:
        self._out.close()
        self._in.close()


@dataclass(frozen=True)
class Tab:
    """One tab; ``run`` takes an expression, and waits for a promise."""

    wire: Wire
    target: str
    session: str

    def run(self, expression: str) -> object:
        answer = self.wire.call(
            "Runtime.evaluate", self.session, expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        result = answer["result"]
        assert isinstance(result, dict)
        return result.get("value")

    def wait_for(self, condition: str) -> None:
        """Wait in the page, on its own real clock, until the condition holds."""
        look = f"if ({condition}) done(); else (window.demoClock?.real.setTimeout ?? setTimeout)(look, 50)"
        self.run(f"new Promise((done) => {{ const look = () => {{ {look} }}; look(); }})")

    def open(self, url: str) -> None:
        self.wire.call("Page.enable", self.session)
        self.wire.call("Page.navigate", self.session, url=url)
        self.wait_for(f"location.href.startsWith({json.dumps(url)}) && document.readyState == 'complete'")

    def bring_to_front(self) -> None:
        self.wire.call("Target.activateTarget", targetId=self.target)
        self.wait_for("document.visibilityState == 'visible'")

    def turn_window(self, state: str) -> None:
        """``minimized`` or ``normal``: the window with this tab and all its others."""
        window = self.wire.call("Browser.getWindowForTarget", targetId=self.target)["windowId"]
        self.wire.call("Browser.setWindowBounds", windowId=window, bounds={"windowState": state})


@dataclass(frozen=True)
class Tabs:
    """A running browser."""

    wire: Wire

    def new(self) -> Tab:
        """A tab in front of the others."""
        target = self.wire.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.wire.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        assert isinstance(target, str)
        assert isinstance(session, str)
        return Tab(self.wire, target, session)


@contextmanager
def running_tabs(chromium: str, profile: Path) -> Iterator[Tabs]:
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    # Out of the way first, so that neither of the two sits where the other has to be.
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (theirs_in, theirs_out)]
    actions = [(os.POSIX_SPAWN_DUP2, moved[0], TO_BROWSER), (os.POSIX_SPAWN_DUP2, moved[1], FROM_BROWSER)]
    command = [chromium, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = os.posix_spawn(chromium, command, os.environ, file_actions=actions, setpgroup=0)
    for end in (theirs_in, theirs_out, *moved):
        os.close(end)
    wire = Wire(ours_out, ours_in)
    try:
        yield Tabs(wire)
    finally:
        os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        wire.close()
