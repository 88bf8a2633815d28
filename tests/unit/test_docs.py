"""What is written agrees with what is there: settings, commands, rooms, metrics, links, decisions."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

import engine
from engine import crashpoints
from engine.cli import shopbell
from engine.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ADRS = sorted((DOCS / "adr").glob("*.md"))
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md"), *ADRS])
_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)")


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


# --- settings ---------------------------------------------------------------------------------------------------------


class _Watched(Mapping[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _variables(tmp_path: Path) -> set[str]:
    given = {"SHOPBELL_ENV": "production", "PUBLIC_URL": "https://bell.example", "SECRET_KEY": "x" * 32}
    environment = _Watched(given | {"DATA_DIR": str(tmp_path)})
    Settings.from_env(environment)
    return environment.asked


def _described() -> dict[str, str]:
    """The environment table of operations.md: the default as it is told, by variable."""
    section = text("docs/operations.md").split("## Environment")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", section, re.MULTILINE)
    return dict(rows)


def test_every_variable_that_is_read_is_described_and_no_other(tmp_path: Path) -> None:
    assert set(_described()) == _variables(tmp_path)


@pytest.mark.parametrize(
    ("variable", "setting"),
    [
        ("SHOPBELL_ENV", "environment"),
        ("HOST", "host"),
        ("PORT", "port"),
        ("MAILBOX_PORT", "mailbox_port"),
        ("DURABILITY", "durability"),
        ("WORKERS", "workers"),
        ("WEB_PROCESSES", "web_processes"),
        ("WEB_THREADS", "web_threads"),
        ("VISITOR_RATE", "visitor_rate"),
        ("ADDRESS_RATE", "address_rate"),
        ("TRUSTED_PROXIES", "trusted_proxies"),
    ],
)
def test_a_described_default_is_the_default(variable: str, setting: str, tmp_path: Path) -> None:
    settings = Settings.from_env({"DATA_DIR": str(tmp_path)})
    assert _described()[variable] == f"`{getattr(settings, setting)}`"


def test_what_production_needs_stands_in_the_readme(tmp_path: Path) -> None:
    section = text("README.md").split("### Production settings")[1].split("\n## ")[0]
    named = set(re.findall(r"^\| `([A-Z_]+)`", section, re.MULTILINE))
    assert {"SHOPBELL_ENV", "PUBLIC_URL", "SECRET_KEY", "SMTP_URL"} <= named <= _variables(tmp_path)


# --- commands ---------------------------------------------------------------------------------------------------------


def _commands(command: click.Command, path: str) -> Iterator[str]:
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from _commands(found, f"{path} {name}")


COMMANDS = sorted(_commands(shopbell, "shopbell"))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_described(command: str) -> None:
    section = text("docs/operations.md").split("## Commands")[1].split("\n## ")[0]
    assert f"`{command}" in section


def test_no_page_names_a_command_that_is_not_there() -> None:
    names = {command.split()[1] for command in COMMANDS}
    for page in PAGES:
        told = re.findall(r"(?:`|\.venv/bin/)shopbell ([a-z]+)", page.read_text(encoding="utf-8"))
        assert set(told) <= names, page.name


def test_what_the_readme_says_to_make_can_be_made() -> None:
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    for page in PAGES:
        assert set(re.findall(r"^make ([a-z]+)|`make ([a-z]+)`", page.read_text(encoding="utf-8"), re.MULTILINE)) <= {
            pair for target in targets for pair in ((target, ""), ("", target))
        }, page.name
    assert {"run", "test"} <= targets


# --- rooms ------------------------------------------------------------------------------------------------------------


def _rooms() -> list[str]:
    here = Path(engine.__path__[0])
    modules = {path.stem for path in here.glob("*.py")}
    packages = {path.parent.name for path in here.glob("*/__init__.py")}
    return sorted((modules | packages) - {"__init__"})


@pytest.mark.parametrize("room", _rooms())
def test_every_room_is_on_the_map_and_in_the_architecture(room: str) -> None:
    assert re.search(rf"^ +(?:\w+ +)?{room}  +\S", engine.__doc__ or "", re.MULTILINE)
    table = text("docs/architecture.md").split("## The rooms")[1].split("\n## ")[0]
    assert f"`{room}`" in table


def test_every_table_is_described() -> None:
    from engine.store.models import Base

    section = text("docs/architecture.md").split("## What is kept where")[1].split("\n## ")[0]
    assert [name for name in Base.metadata.tables if f"`{name}`" not in section] == []


# --- what it says about itself ----------------------------------------------------------------------------------------


def _literals(pattern: str) -> set[str | tuple[str, ...]]:
    """What this pattern finds in the engine's sources."""
    sources = (path.read_text(encoding="utf-8") for path in Path(engine.__path__[0]).rglob("*.py"))
    return {found for source in sources for found in re.findall(pattern, source)}


def test_every_metric_is_described() -> None:
    page = text("docs/operations.md")
    counters = _literals(r'Counter\(\s*"(shopbell_\w+)"')
    gauges = _literals(r'GaugeMetricFamily\(\s*"(shopbell_\w+)"')
    names = {f"{name}_total" for name in counters} | gauges
    assert len(names) >= 4
    assert {name for name in names if f"`{name}`" not in page} == set()


def test_every_log_line_is_explained_under_its_level() -> None:
    section = text("docs/operations.md").split("## Log lines")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.*`) \| (\w+) \|", section, re.MULTILINE)
    told = {(level, line) for lines, level in rows for line in re.findall(r"`([^`]+)`", lines)}
    assert told == _literals(r'\blog\.(debug|info|warning|error)\(\s*"([^"]+)"')


def test_every_crash_point_is_named() -> None:
    page = text("docs/promises.md")
    assert [point for point in crashpoints.POINTS if f"`{point}`" not in page] == []


def test_every_promise_names_tests_that_are_there() -> None:
    rows = re.findall(r"^\| P\d \|.*\|.*\| (.*) \|$", text("docs/promises.md"), re.MULTILINE)
    assert len(rows) == 8
    for row in rows:
        folder = ""
        for named in re.findall(r"`([^`]+)`", row):
            folder = named.rpartition("/")[0] or folder
            assert list(ROOT.glob(f"{folder}/{named.rpartition('/')[2]}")), named


# --- links and decisions ----------------------------------------------------------------------------------------------


def _anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.casefold()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def test_every_page_is_in_the_index() -> None:
    index = text("docs/README.md")
    named = [page.relative_to(DOCS).as_posix() for page in [*DOCS.glob("*.md"), *ADRS] if page.name != "README.md"]
    assert [name for name in named if f"({name})" not in index] == []


@pytest.mark.parametrize("number", range(1, len(ADRS) + 1))
def test_decisions_are_numbered_and_say_when_to_think_again(number: int) -> None:
    record = ADRS[number - 1].read_text(encoding="utf-8")
    assert ADRS[number - 1].name.startswith(f"{number:04}-")
    assert record.startswith(f"# {number:04}: ")
    headings = re.findall(r"^## (.*)$", record, re.MULTILINE)
    assert headings == ["Context", "Decision", "What was measured", "Consequences", "When to reconsider"]


# --- what must not stand anywhere -------------------------------------------------------------------------------------


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:8000]]


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    """Neither this checkout's folder nor anybody's home."""
    # A checkout directly under the root could have the name of anything.
    here = re.escape(str(ROOT)) if len(ROOT.parts) > 2 else "$^"
    homes = r"(?<![\w.:/\-}>*])/(?:work|home|Users|root)/[a-z][\w.-]*"
    telling = re.compile(rf"{here}(?!\w)|{homes}")
    for path in _tracked():
        found = telling.search(path.read_text(encoding="utf-8", errors="replace"))
        assert found is None, f"{path.name}: {found[0]}"


def test_no_file_says_where_packages_are_fetched() -> None:
    """The locks hold on any machine, whatever mirror it uses; hashes say what is meant."""
    fetched = re.compile(r"--(?:extra-)?index-url|--find-links|\"resolved\":|^(?:@\w+:)?registry *=", re.MULTILINE)
    locks = [path for path in _tracked() if path.parent.name == "requirements" or path.parent.name == "snippet"]
    assert {"run.txt", "test.txt", "bench.txt", "package-lock.json", ".npmrc"} <= {path.name for path in locks}
    for path in locks:
        content = path.read_text(encoding="utf-8")
        assert fetched.search(content) is None, path
