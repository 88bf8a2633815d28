"""The line at the end of ``make test`` can be believed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts import test as runner


@pytest.fixture(autouse=True)
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    monkeypatch.setattr(runner, "REPORTS", folder)
    return folder


def outcome(folder: Path, code: str) -> runner.Count:
    """What the runner counts for a file with this code."""
    folder.mkdir(exist_ok=True)
    (folder / "test_it.py").write_text(code)
    # Only what this file says counts: neither our settings nor the outer run's.
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    own["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return runner.run_pytest("it", [str(folder), "-c", os.devnull, "-p", "no:cacheprovider"], own)


def test_each_test_is_counted_once(tmp_path: Path) -> None:
    count = outcome(
        tmp_path / "mixed",
        "import pytest\n"
        "def test_fine(): pass\n"
        "def test_wrong(): assert False\n"
        "@pytest.fixture\ndef broken(): raise ValueError\n"
        "def test_not_even_started(broken): pass\n"
        "@pytest.mark.skip\ndef test_left_out(): pass\n",
    )
    assert str(count) == "1 passed, 2 failed, 1 skipped"


def test_a_file_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    assert outcome(tmp_path / "unreadable", "def test_it(: pass").failed == 1


def test_a_run_that_breaks_off_is_a_failure(tmp_path: Path) -> None:
    for name, end in (("gone", "os._exit(0)"), ("killed", "os.kill(os.getpid(), 9)")):
        assert str(outcome(tmp_path / name, f"import os\ndef test_it(): {end}")) == "0 passed, 1 failed"


def test_no_test_at_all_is_no_failure(tmp_path: Path) -> None:
    assert str(outcome(tmp_path / "empty", "")) == "0 passed, 0 failed"


def test_a_check_counts_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "BIN", Path("/bin"))
    assert str(runner.run_check(["sh", "-c", "exit 0"])) == "1 passed, 0 failed"
    assert str(runner.run_check(["sh", "-c", "exit 3"])) == "0 passed, 1 failed"


def test_no_folder_with_tests_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "TESTS", tmp_path)
    for path in ("unit/rules/test_a.py", "zebra/test_b.py", "service/test_c.py", "fixtures/data.py", "test_loose.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert runner.stages() == ["unit", "service", "zebra", "."]
