"""One editor with yaml-language-server from npm, in exactly the version of the lock file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli import run
from tests import npm
from tests.editor.language_server import Editor, open_editor

HERE = Path(__file__).parent
SERVER = "yaml-language-server/bin/yaml-language-server"


@pytest.fixture(scope="session")
def language_server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return npm.install(HERE, tmp_path_factory.mktemp("language-server")) / SERVER


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
