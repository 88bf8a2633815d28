"""Run every check and every test, all of them even when one fails, and end with one line: ``N passed, N failed``.

``make test`` calls it inside ``.venv``. A check counts as one; a folder in ``tests/`` is a stage of its own.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
REPORTS = ROOT / ".reports"
BIN = Path(sys.executable).parent

CHECKS = {
    "lint": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
    "types": ["mypy"],
    "layers": ["lint-imports"],
}
# What fails fastest and says most comes first; folders not named here follow.
FIRST_STAGES = ("unit", "demo", "snippet", "service", "browser")
WITH_BROWSER = ("demo", "snippet", "browser", "storefront")
NO_TESTS_COLLECTED = 5

CHROMIUM_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
# How each package manager brings Chromium, and whether it must be asked as root.
CHROMIUM_INSTALLS: dict[str, tuple[bool, Sequence[Sequence[str]]]] = {
    "apt-get": (True, (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", "chromium"])),
    "dnf": (True, (["install", "-y", "-q", "chromium"],)),
    "zypper": (True, (["--non-interactive", "install", "chromium"],)),
    "pacman": (True, (["-Sy", "--noconfirm", "chromium"],)),
    "apk": (True, (["add", "--quiet", "chromium"],)),
    "brew": (False, (["install", "--cask", "chromium"],)),
}


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other: "Count") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def main() -> int:
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir()
    install_snippet_tools()
    total, lines = Count(), []
    for name, count, seconds in run_everything():
        total.add(count)
        lines.append(f"{name:<10} {seconds:6.1f} s   {count}")
    print("", *lines, "", total, sep="\n", flush=True)
    return 1 if total.failed else 0


def run_everything() -> Iterator[tuple[str, Count, float]]:
    """Run the checks, then the stages; yields what came of each and how long it took."""
    jobs: list[tuple[str, Callable[[], Count]]] = [
        *((name, partial(run_check, command)) for name, command in CHECKS.items()),
        *((stage, partial(run_stage, stage)) for stage in stages()),
    ]
    for name, job in jobs:
        print(f"\n── {name}", flush=True)
        started = time.monotonic()
        count = job()
        yield name, count, time.monotonic() - started


def run_check(command: list[str]) -> Count:
    failed = run([str(BIN / command[0]), *command[1:]])
    return Count(failed=1) if failed else Count(passed=1)


def stages() -> list[str]:
    """The folders of ``tests/`` that hold tests; ``.`` where tests lie in no folder."""
    found = {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py") if path.parent != TESTS}
    known = [stage for stage in FIRST_STAGES if stage in found]
    loose = ["."] if any(TESTS.glob("test_*.py")) else []
    return [*known, *sorted(found - set(known)), *loose]


def run_stage(stage: str) -> Count:
    environ = dict(os.environ)
    if stage in WITH_BROWSER:
        chromium = find_chromium() or install_chromium()
        if chromium is None:
            return Count(failed=1)
        environ["CHROMIUM"] = chromium
    paths = [str(path) for path in ([TESTS / stage] if stage != "." else sorted(TESTS.glob("test_*.py")))]
    parallel = ["-n", str(min(os.cpu_count() or 1, 4)), "--dist", "loadfile"]
    count = run_pytest(f"{stage}-parallel", [*paths, "-m", "not serial", *parallel], environ)
    if any("mark.serial" in path.read_text() for path in (TESTS / stage).rglob("*.py")):
        count.add(run_pytest(f"{stage}-serial", [*paths, "-m", "serial"], environ))
    return count


def run_pytest(name: str, arguments: list[str], environ: dict[str, str]) -> Count:
    report = REPORTS / f"{name.lstrip('.')}.xml"
    command = [sys.executable, "-m", "pytest", "-q", "--durations=5", f"--junit-xml={report}", *arguments]
    code = run(command, environ)
    count = read_report(report) if report.is_file() else Count()
    if not report.is_file() or (code not in (0, NO_TESTS_COLLECTED) and not count.failed):
        count.failed += 1  # pytest itself failed, which no test's result tells
    return count


def read_report(report: Path) -> Count:
    count = Count()
    # Our own pytest has just written this file.
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):  # noqa: S314
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        count.add(Count(int(suite.get("tests", 0)) - failed - skipped, failed, skipped))
    return count


def find_chromium() -> str | None:
    names = [os.environ.get("CHROMIUM", ""), *CHROMIUM_NAMES]
    return next((path for path in map(shutil.which, filter(None, names)) if path), None)


def install_chromium() -> str | None:
    """Install Chromium with the system's package manager and return where it is; says so where it cannot."""
    manager = next((name for name in CHROMIUM_INSTALLS if shutil.which(name)), None)
    if manager is None:
        print("The browser tests need Chromium: install it, or set CHROMIUM to where it is.", flush=True)
        return None
    needs_root, steps = CHROMIUM_INSTALLS[manager]
    prefix = root_prefix() if needs_root else []
    if prefix is None:
        print(f"The browser tests need Chromium: as root, `{manager} {' '.join(steps[-1])}` installs it.", flush=True)
        return None
    print(f"Installing Chromium with {manager} …", flush=True)
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if any(run([*prefix, manager, *step], environ) for step in steps):
        print("Chromium could not be installed; what the package manager said stands above.", flush=True)
    return find_chromium()


def root_prefix() -> list[str] | None:
    """What to put before a command to run it as root, or None where that cannot be."""
    if os.getuid() == 0:
        return []
    if not shutil.which("sudo"):
        return None
    # Without a terminal nobody could type a password.
    return ["sudo", "--preserve-env=DEBIAN_FRONTEND"] if sys.stdin and sys.stdin.isatty() else ["sudo", "-n", "--"]


def install_snippet_tools() -> None:
    """Bring what the snippet's build needs, where there is npm; its tests say what they do without."""
    snippet = ROOT / "snippet"
    lock, installed = snippet / "package-lock.json", snippet / "node_modules" / ".package-lock.json"
    if not lock.is_file() or not shutil.which("npm"):
        return
    if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
        print("Installing what the snippet's build needs with npm …", flush=True)
        run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=snippet)


def run(command: Sequence[str], environ: dict[str, str] | None = None, cwd: Path = ROOT) -> int:
    return subprocess.run(command, cwd=cwd, env=environ, stdin=None, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
