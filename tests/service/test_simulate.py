"""`shopbell simulate`, whole: a short day on every platform that has a side, and a day that goes wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_a_broken_promise_is_told_in_a_sentence(tmp_path: Path) -> None:
    """The rules of this shop mail nobody; whoever left a cart is promised a mail."""
    rules = (ROOT / "rules.yaml").read_text()
    silent = tmp_path / "silent.yaml"
    for rule in ("unexpected-shipping", "cart-left"):
        assert f"- name: {rule}\n" in rules
        rules = rules.replace(f"- name: {rule}\n", f"- name: {rule}\n    off: true\n")
    silent.write_text(rules)
    day = simulate("shopify", *SHORT, "--rules", str(silent), "--language", "nl")
    assert day.returncode == 1, day.stdout + day.stderr
    assert "liet een winkelwagen achter, mag mail krijgen en kreeg die niet" in day.stderr
    assert row(day.stdout, "onderweg verloren") == 0


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
