"""All processes in one terminal: starts them, shows what they say, and starts again whatever dies.

Every program leads a process group of its own, so that Ctrl-C reaches only the supervisor and nothing of a dead program
is left to hold its port. Programs are started tier by tier and stopped in the opposite order.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TextIO

from engine.clock import SECOND
from engine.recovery import FROZEN_FOR, FROZEN_LOOK_EVERY, RESTART_AFTER
from engine.tether import PARENT_VARIABLE

FIRST_DELAY_S: Final = RESTART_AFTER / SECOND
LONGEST_DELAY_S: Final = 5.0
FROZEN_FOR_S: Final = FROZEN_FOR / SECOND
FROZEN_LOOK_EVERY_S: Final = FROZEN_LOOK_EVERY / SECOND
STEADY_AFTER_S: Final = 2.0
"""A program that ran this long is started again at once; one that did not waits longer each time."""
LONGEST_LINE: Final = 1 << 20

_COLOURS: Final = (36, 33, 32, 35, 34, 96, 93, 92)


@dataclass(frozen=True)
class Program:
    """A command to keep running, under the name its lines are shown with."""

    name: str
    command: Sequence[str]


class Console:
    """Writes whole lines, each after its program's name, in colours where somebody looks at them."""

    def __init__(self, out: TextIO = sys.stdout, *, colours: bool | None = None) -> None:
        self._out = out
        self._colours = out.isatty() and "NO_COLOR" not in os.environ if colours is None else colours
        self._next_colour = itertools.cycle(_COLOURS)
        self._colour_of: dict[str, int] = {}

    def line(self, name: str, text: str) -> None:
        prefix = f"{name:<9}│"
        if self._colours:
            colour = self._colour_of.setdefault(name, next(self._next_colour))
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        self.plain(f"{prefix} {text}")

    def plain(self, text: str) -> None:
        self._out.write(f"{text}\n")
        self._out.flush()


def next_delay(last_s: float, lived_s: float) -> float:
    """How many seconds to wait before starting a program again that lived ``lived_s`` after a wait of ``last_s``."""
    if lived_s >= STEADY_AFTER_S:
        return 0.0
    return min(max(last_s * 2, FIRST_DELAY_S), LONGEST_DELAY_S)


@dataclass
class Supervisor:
    """Keeps programs running. Use it inside one event loop, on the main thread."""

    console: Console
    environ: Mapping[str, str]
    grace_s: float = 5.0
    """How long a tier may take to stop by itself before it is killed."""
    _tiers: list[list[_Keeper]] = field(default_factory=list)

    def start(self, *programs: Program) -> None:
        """Start these programs as one tier; they keep running until :meth:`stop`."""
        environ = {**self.environ, PARENT_VARIABLE: str(os.getpid())}
        self._tiers.append([_Keeper(program, environ, self.console) for program in programs])

    async def run_once(self, program: Program) -> int:
        """Run a program to its end and return its exit code."""
        return await _Run(program, {**self.environ, PARENT_VARIABLE: str(os.getpid())}, self.console).finish()

    async def stop(self) -> None:
        """Stop everything, the last tier first."""
        while self._tiers:
            await asyncio.gather(*(keeper.stop(self.grace_s) for keeper in self._tiers.pop()))

    def kill(self) -> None:
        """Kill everything now."""
        for keeper in itertools.chain.from_iterable(self._tiers):
            keeper.kill()


class _Keeper:
    """Runs one program again and again until it is told to stop."""

    def __init__(self, program: Program, environ: Mapping[str, str], console: Console) -> None:
        self._program, self._environ, self._console = program, environ, console
        self._stopping = asyncio.Event()
        self._run: _Run | None = None
        self._task = asyncio.create_task(self._keep_running())

    async def stop(self, grace_s: float) -> None:
        self._stopping.set()
        if self._run:
            self._run.signal(signal.SIGTERM)
        done, _ = await asyncio.wait([self._task], timeout=grace_s)
        if not done:
            self._console.plain(f"{self._program.name} did not stop within {grace_s:g} s and is killed.")
            self.kill()
        await self._task

    def kill(self) -> None:
        self._stopping.set()
        if self._run:
            self._run.kill_group()

    async def _keep_running(self) -> None:
        loop = asyncio.get_running_loop()
        delay_s = 0.0
        while not self._stopping.is_set():
            started = loop.time()
            self._run = _Run(self._program, self._environ, self._console)
            code = await self._run.finish()
            if self._stopping.is_set():
                return
            delay_s = next_delay(delay_s, loop.time() - started)
            self._console.plain(f"{self._program.name} {_how_it_ended(code)}; starting it again{_in(delay_s)}.")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay_s)


class _Run:
    """One life of a program."""

    def __init__(self, program: Program, environ: Mapping[str, str], console: Console) -> None:
        self._program, self._environ, self._console = program, environ, console
        self._process: asyncio.subprocess.Process | None = None
        self._asked: signal.Signals | None = None

    async def finish(self) -> int:
        """Start the program, show its lines, and return its exit code once nothing of its group is left."""
        # The pipe is our own: asyncio would otherwise take a process for alive while a grandchild holds its output.
        reading, writing = os.pipe()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._program.command,
                env=self._environ,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                start_new_session=True,
            )
        finally:
            os.close(writing)
        pump = asyncio.create_task(self._show_lines(reading))
        guard = asyncio.create_task(self._kill_when_frozen(self._process.pid))
        if self._asked:
            self.signal(self._asked)
        try:
            code = await self._process.wait()
        finally:
            guard.cancel()
            self.kill_group()
            self._process = None
        await pump
        return code

    def signal(self, signum: signal.Signals) -> None:
        """Send a signal to the program, or as soon as it has started."""
        self._asked = signum
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signum)

    def kill_group(self) -> None:
        self._asked = signal.SIGKILL
        if self._process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _kill_when_frozen(self, pid: int) -> None:
        """End a program that somebody stopped: it does nothing, and keeps everybody who waits for its locks waiting."""
        frozen_s = 0.0
        while frozen_s < FROZEN_FOR_S:
            await asyncio.sleep(FROZEN_LOOK_EVERY_S)
            frozen_s = frozen_s + FROZEN_LOOK_EVERY_S if is_stopped(pid) else 0.0
        self._console.plain(f"{self._program.name} has been stopped for {frozen_s:g} s and is killed.")
        self.kill_group()

    async def _show_lines(self, descriptor: int) -> None:
        reader = asyncio.StreamReader(limit=LONGEST_LINE)
        loop = asyncio.get_running_loop()
        pipe = os.fdopen(descriptor, "rb", buffering=0)
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        try:
            while line := await _line(reader):
                self._console.line(self._program.name, line.decode(errors="replace").rstrip())
        finally:
            transport.close()


if sys.platform == "linux":

    def is_stopped(child: int) -> bool:
        """Whether a process that this one started is stopped (SIGSTOP). Its end is left for others to see."""
        try:
            return os.waitid(os.P_PID, child, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return False

else:

    def is_stopped(child: int) -> bool:
        """Other systems do not tell without taking it from whoever waits for the process."""
        del child
        return False


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:
        return b"(a line too long to show)"


def _how_it_ended(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _in(delay_s: float) -> str:
    return f" in {delay_s:g} s" if delay_s else ""
