"""A clock of its own process that asks a parrot once: ``python -m tests.service.one_round FOLDER DATABASE API``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.committer import Committer
from engine.errands import Errands
from engine.intake import Intake
from engine.live import open_rules
from engine.store.database import open_engine
from tests.service.asking import LOOPBACK
from tests.service.platform import parrot_at_home, platform_settings


def main(folder: str, database_url: str, api: str) -> None:
    with pytest.MonkeyPatch.context() as patched, parrot_at_home(patched):
        patched.setattr("integrations.parrot.API", api)
        engine = open_engine(database_url)
        live = open_rules(platform_settings(Path(folder), database_url), engine, remember=False)
        Errands(live, Intake(engine, Committer(engine)), print, LOOPBACK).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
