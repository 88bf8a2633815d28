"""Processes that die are started again, stop when asked, and never outlive their supervisor. All of them are real."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from subprocess import PIPE, Popen

import psutil

from engine.supervisor import LONGEST_DELAY_S, STEADY_AFTER_S, Console, Program, Supervisor, is_stopped, next_delay
from tests.parts import DEADLINE_S, free_port
from tests.service.house import wait_until

SAY_PID_AND_WAIT = "import os, signal; print('pid', os.getpid(), flush=True); signal.pause()"


class Heard(io.StringIO):
    """What a supervisor says, one line at a time, as it says it."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self.all: list[str] = []

    def write(self, text: str, /) -> int:
        for line in text.splitlines():
            self.all.append(line)
            self._lines.put_nowait(line)
        return len(text)

    async def next_match(self, pattern: str) -> re.Match[str]:
        """The next line that matches; lines before it are passed over."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                if found := re.search(pattern, await self._lines.get()):
                    return found

    async def pid(self, name: str) -> int:
        """The process that a program called ``name`` says it is."""
        return int((await self.next_match(rf"^{name} +│ pid (\d+)"))[1])


def python(name: str, code: str, *arguments: str) -> Program:
    return Program(name, (sys.executable, "-c", code, *arguments))


def supervise(
    scenario: Callable[[Supervisor, Heard], Coroutine[None, None, None]], *, grace_s: float = DEADLINE_S
) -> None:
    """Run a scenario; whatever comes of it, nothing it started is left."""

    async def run() -> None:
        heard = Heard()
        supervisor = Supervisor(Console(heard, colours=False), {**os.environ, "PYTHONUNBUFFERED": "1"}, grace_s)
        try:
            await scenario(supervisor, heard)
        finally:
            supervisor.kill()
            await supervisor.stop()

    asyncio.run(run())


def test_every_line_is_shown_after_its_programs_name() -> None:
    async def scenario(supervisor: Supervisor, heard: Heard) -> None:
        code = "import sys; print('to stdout'); print('to stderr', file=sys.stderr); print('no end', end='')"
        assert await supervisor.run_once(python("speaker", code)) == 0
        assert heard.all == ["speaker  │ to stdout", "speaker  │ to stderr", "speaker  │ no end"]

    supervise(scenario)


def test_bytes_that_are_no_text_and_endless_lines_hurt_nobody() -> None:
    async def scenario(supervisor: Supervisor, heard: Heard) -> None:
        code = r"import os; os.write(1, b'\xff\xfe\n'); print('x' * 3_000_000); print('still here')"
        assert await supervisor.run_once(python("odd", code)) == 0
        assert heard.all[0] == "odd      │ ��"
        assert heard.all[-1] == "odd      │ still here"
        assert max(map(len, heard.all)) < 2_000_000

    supervise(scenario)


def test_names_are_coloured_only_for_people() -> None:
    out = io.StringIO()
    Console(out, colours=True).line("web", "hello")
    assert out.getvalue() == "\x1b[36mweb      │\x1b[0m hello\n"
    out = io.StringIO()
    Console(out).line("web", "hello")
    assert out.getvalue() == "web      │ hello\n"


def test_a_killed_program_is_started_again_and_that_is_said() -> None:
    async def scenario(supervisor: Supervisor, heard: Heard) -> None:
        supervisor.start(python("bell", SAY_PID_AND_WAIT))
        first = await heard.pid("bell")
        os.kill(first, signal.SIGKILL)
        await heard.next_match(r"^bell was killed by SIGKILL; starting it again in 0\.1 s\.$")
        assert await heard.pid("bell") != first

    supervise(scenario)


def test_a_program_that_ends_by_itself_is_started_again() -> None:
    async def scenario(supervisor: Supervisor, heard: Heard) -> None:
        supervisor.start(python("brief", "raise SystemExit(3)"))
        for delay in ("0.1", "0.2", "0.4"):
            await heard.next_match(rf"^brief ended with exit code 3; starting it again in {delay} s\.$")

    supervise(scenario)


def test_a_program_that_cannot_stay_up_waits_longer_each_time_but_never_long() -> None:
    delays = [0.0]
    for _ in range(10):
        delays.append(next_delay(delays[-1], 0.01))
    assert delays[:5] == [0.0, 0.1, 0.2, 0.4, 0.8]
    assert delays[-1] == LONGEST_DELAY_S


def test_a_program_that_ran_well_is_started_again_at_once() -> None:
    assert next_delay(LONGEST_DELAY_S, STEADY_AFTER_S) == 0.0


def test_a_program_that_is_stopped_for_long_is_killed_and_started_again() -> None:
    """What it holds while it is stopped, a lock of the database say, keeps everybody waiting."""

    async def scenario(supervisor: Supervisor, heard: Heard) -> None:
        supervisor.start(python("frozen", SAY_PID_AND_WAIT))
        first = await heard.pid("frozen")
        os.kill(first, signal.SIGSTOP)
        await heard.next_match(r"^frozen has been stopped for 3 s and is killed\.$")
        await heard.next_match(r"^frozen was killed by SIGKILL; starting it again")
        assert await heard.pid("frozen") != first

    supervise(scenario)


def test_who_is_stopped_is_seen_and_who_goes_on_or_ends_is_not() -> None:
    with Popen([sys.executable, "-c", SAY_PID_AND_WAIT], stdout=PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline()
        assert not is_stopped(child.pid)
        child.send_signal(signal.SIGSTOP)
        wait_until(lambda: is_stopped(child.pid), "it to be stopped")
        assert is_stopped(child.pid), "however often it is looked at"
        child.send_signal(signal.SIGCONT)
        wait_until(lambda: not is_stopped(child.pid), "it to go on")
        child.kill()
        assert child.wait(DEADLINE_S) == -signal.SIGKILL, "its end was left for whoever waits for it"
        assert not is_stopped(child.pid)


def test_nothing_of_a_killed_program_is_left_to_hold_its_port() -> None:
    child_that_listens = """
import os, signal, socket, sys
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
if os.fork():
    listening.close()
    print("pid", os.getpid(), flush=True)
signal.pause()
"""

    async def scenario(supervisor: Supervisor, heard: Heard) -> None:
        supervisor.start(python("server", child_that_listens, str(free_port())))
        first = await heard.pid("server")
        (grandchild,) = psutil.Process(first).children()
        os.kill(first, signal.SIGKILL)
        assert await heard.pid("server") != first  # it could listen on the same port
        assert grandchild.wait(DEADLINE_S) is None or not grandchild.is_running()

    supervise(scenario)


def test_the_last_tier_is_stopped_first_and_each_may_finish_its_work() -> None:
    finish_on_term = """
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: (print("finished", flush=True), sys.exit()))
print("pid", os.getpid(), flush=True)
signal.pause()
"""

    async def scenario(supervisor: Supervisor, heard: Heard) -> None:
        for name in ("queue", "worker", "web"):
            supervisor.start(python(name, finish_on_term))
            await heard.pid(name)
        await supervisor.stop()
        assert [line.split()[0] for line in heard.all if line.endswith("finished")] == ["web", "worker", "queue"]

    supervise(scenario)


def test_a_program_that_will_not_stop_is_killed_and_that_is_said() -> None:
    async def scenario(supervisor: Supervisor, heard: Heard) -> None:
        supervisor.start(
            python("mule", f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SAY_PID_AND_WAIT}")
        )
        mule = psutil.Process(await heard.pid("mule"))
        supervisor.grace_s = 0.2
        await supervisor.stop()
        assert "mule did not stop within 0.2 s and is killed." in heard.all
        assert not mule.is_running()

    supervise(scenario)


def children_since(before: set[psutil.Process]) -> list[psutil.Process]:
    """This process' own new children: other tests may share a server that stays."""
    return [child for child in psutil.Process().children() if child not in before]


def test_a_program_is_not_started_again_while_stopping() -> None:
    before = set(psutil.Process().children())

    async def scenario(supervisor: Supervisor, heard: Heard) -> None:
        supervisor.start(python("brief", "raise SystemExit(1)"))
        await heard.next_match("starting it again")
        await supervisor.stop()
        assert children_since(before) == []

    supervise(scenario)


SUPERVISOR_TO_BE_KILLED = f"""
import asyncio, os, sys
from engine.supervisor import Console, Program, Supervisor

async def main():
    supervisor = Supervisor(Console(), dict(os.environ))
    supervisor.start(Program("valkey", (sys.executable, "-m", "engine.embedded", *sys.argv[1:])))
    while not os.path.exists(sys.argv[2]):
        await asyncio.sleep(0.01)
    tethered = "from engine.tether import die_with_supervisor; die_with_supervisor(); " + {SAY_PID_AND_WAIT!r}
    supervisor.start(Program("child", (sys.executable, "-c", tethered)))
    await asyncio.Event().wait()

asyncio.run(main())
"""


def test_children_die_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    folder, listening_on = tmp_path / "valkey", tmp_path / "valkey.sock"
    command = (sys.executable, "-c", SUPERVISOR_TO_BE_KILLED, str(folder), str(listening_on))
    with Popen(command, stdout=PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        said = iter(supervisor.stdout.readline, "")
        assert any("pid" in line for line in said)
        children = psutil.Process(supervisor.pid).children()
        supervisor.kill()
    assert len(children) == 2
    gone, _ = psutil.wait_procs(children, timeout=DEADLINE_S)
    assert len(gone) == 2


def test_the_embedded_valkey_comes_back_at_the_same_address_with_what_it_kept(tmp_path: Path) -> None:
    folder, listening_on = tmp_path / "valkey", tmp_path / "valkey.sock"
    before = set(psutil.Process().children())

    async def ask(question: str) -> str:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                try:
                    reader, writer = await asyncio.open_unix_connection(listening_on)
                except OSError:
                    await asyncio.sleep(0.01)
                    continue
                writer.write(f"{question}\r\n".encode())
                answer = (await reader.readline()).decode().strip()
                writer.close()
                if not answer.startswith("-LOADING"):
                    return answer

    async def scenario(supervisor: Supervisor, heard: Heard) -> None:
        supervisor.start(Program("valkey", (sys.executable, "-m", "engine.embedded", str(folder), str(listening_on))))
        assert await ask("SET kept 7") == "+OK"
        assert await ask("CONFIG SET appendfsync always") == "+OK"
        (valkey,) = children_since(before)
        assert "valkey-server" in valkey.name()
        valkey.kill()
        await heard.next_match("valkey was killed by SIGKILL")
        assert await ask("EXISTS kept") == ":1"

    supervise(scenario)
    assert listening_on.parent.stat().st_uid == os.getuid()


def test_a_taken_port_is_a_plain_sentence(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "engine.cli", "up"]
    with (
        socket.create_server(("127.0.0.1", int(environment["PORT"]))),
        Popen(command, env=environment, stderr=PIPE, text=True) as refused,
    ):
        _, told = refused.communicate(timeout=DEADLINE_S)
    assert refused.returncode == 1
    assert told == (
        f"shopbell: Shopbell cannot listen on 127.0.0.1:{environment['PORT']}: Address already in use. "
        "PORT chooses another port.\n"
    )
