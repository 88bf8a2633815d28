"""One editor with yaml-language-server from npm, in exactly the version of the lock file."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli import run
from tests.editor.language_server import Editor, open_editor

HERE = Path(__file__).parent
SERVER = "node_modules/yaml-language-server/bin/yaml-language-server"


@pytest.fixture(scope="session")
def language_server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("language-server")
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, folder)
    done = subprocess.run(
        ["npm", "ci", "--prefer-offline"], cwd=folder, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / SERVER


@pytest.fixture(scope="session")
def editor(language_server: Path) -> Iterator[Editor]:
    with open_editor(language_server) as opened:
        yield opened


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the schema that ``shopbell schema`` writes."""
    folder = tmp_path_factory.mktemp("desk")
    assert run(["schema", str(folder / "rules.schema.json")]) == 0
    return folder
