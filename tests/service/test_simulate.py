"""`shopbell simulate`, whole: a short day on every platform that has a side, and a day that goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from subprocess import PIPE

import pytest
import requests

from engine.settings import Settings
from simulator.platform import sides
from tests.parts import free_port

ROOT = Path(__file__).parents[2]
SHORT = ["--shoppers", "5", "--speed", "3000"]
LONGEST_S = 900
"""Only a failing test takes so long."""


def simulate(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "engine.cli", "simulate", *arguments]
    whole = os.environ | {"COLUMNS": "100", "SHOPBELL_LANGUAGE": "en"} | environment
    return subprocess.run(command, cwd=ROOT, env=whole, capture_output=True, text=True, timeout=LONGEST_S, check=False)


def row(told: str, what: str) -> int:
    """The number in the row of the table that begins so."""
    (line,) = [line for line in told.splitlines() if line.strip("│ ").startswith(what)]
    return int(line.strip("│ ").split()[-1])


@pytest.mark.parametrize("platform", sides())
def test_a_day_with_storms_and_outages_keeps_every_promise(platform: str, tmp_path: Path) -> None:
    day, log = simulate(platform, *SHORT, "--folder", str(tmp_path / "day")), tmp_path / "day" / "shopbell.log"
    assert day.returncode == 0, day.stdout + day.stderr + log.read_text()[-4_000:]
    assert row(day.stdout, "shoppers") == 5
    assert row(day.stdout, "lost on the way") == 0
    assert row(day.stdout, "… accepted") > 0
    assert row(day.stdout, "… taken") > 0
    assert log.read_text().count("Shopbell is ready") == 2
    assert row(day.stdout, "erasures") == row(day.stdout, "… after which nothing is known") == 1
    assert row(day.stdout, "… and that are missing in the end") == 0


@contextmanager
def staying(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A simulation with `--stay`, once it says where its mailbox is, and what it had said until then."""
    command = [sys.executable, "-m", "engine.cli", "simulate", *arguments, "--stay"]
    whole = os.environ | {"COLUMNS": "100"}
    with subprocess.Popen(command, cwd=ROOT, env=whole, text=True, stdout=PIPE, stderr=PIPE) as process:
        assert process.stdout is not None
        hopeless = threading.Timer(LONGEST_S, process.kill)
        hopeless.start()
        lines = list(takewhile(lambda line: not line.endswith("/dev/mailbox\n"), process.stdout))
        try:
            yield process, "".join(lines)
        finally:
            hopeless.cancel()
            process.kill()


def test_a_broken_promise_is_told_in_a_sentence_and_its_shopbell_can_be_looked_at(tmp_path: Path) -> None:
    """The rules of this shop mail nobody; whoever left a cart is promised a mail."""
    rules = (ROOT / "rules.yaml").read_text()
    silent = tmp_path / "silent.yaml"
    for rule in ("unexpected-shipping", "cart-left"):
        assert f"- name: {rule}\n" in rules
        rules = rules.replace(f"- name: {rule}\n", f"- name: {rule}\n    off: true\n")
    silent.write_text(rules)
    with staying("shopify", *SHORT, "--rules", str(silent), "--language", "nl") as (process, told):
        lines = [line.split("=", 1) for line in told.splitlines() if line[:1].isupper() and "=" in line]
        settings = Settings.from_env(dict(lines))
        status = requests.get(f"{settings.public_url}/dev/mailbox.json", timeout=60).status_code
        process.send_signal(signal.SIGINT)
        _, problems = process.communicate(timeout=LONGEST_S)
    assert (status, process.returncode) == (200, 1), told + problems
    assert "liet een winkelwagen achter, mag mail krijgen en kreeg die niet" in problems
    assert row(told, "onderweg verloren") == 0
    assert settings.stand_in


@pytest.mark.parametrize("platform", sides())
def test_the_settings_to_start_a_shopbell_of_ones_own_are_told(platform: str, tmp_path: Path) -> None:
    told = simulate(platform, "--settings").stdout.splitlines()
    *lines, comment = told
    settings = Settings.from_env(dict(line.split("=", 1) for line in lines) | {"DATA_DIR": str(tmp_path)})
    assert settings.stand_in.startswith("http://127.0.0.1:")
    assert f"integrations:  {platform}: {{" in comment


def test_a_shopbell_that_is_not_there_is_told() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    refused = simulate("shopify", "--at", nowhere, SHOPBELL_CLOCK="600,1,1")
    assert (refused.returncode, refused.stderr) == (1, f"shopbell: No Shopbell at {nowhere} can keep events.\n")
    refused = simulate("shopify", "--at", nowhere)
    assert refused.returncode == 2
    assert "SHOPBELL_CLOCK must be set as for that Shopbell" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [(["etsy"], "there is "), (["shopify", "--rules", "nowhere.yaml"], "there is no rule file")],
)
def test_what_cannot_be_simulated_is_told(arguments: list[str], problem: str) -> None:
    refused = simulate(*arguments)
    assert refused.returncode == 2
    assert problem in refused.stderr
