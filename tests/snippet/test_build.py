"""What is committed is what the sources build, small enough, and typed."""

import gzip
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.snippet.far_side import DIST

SNIPPET = DIST.parent
ADAPTERS = sorted(path.parent.name for path in (SNIPPET.parent / "integrations").glob("*/storefront.js"))
FILES = ("shopbell.js", "shopbell-ui.js", *(f"adapters/{name}.js" for name in ADAPTERS))
BUDGETS = {"shopbell.js": 4.5 * 1024, "shopbell-ui.js": 2 * 1024}
ADAPTERS_BUDGET = 2 * 1024


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources in a folder of their own, with exactly the tools of the lock file."""
    folder = tmp_path_factory.mktemp("workshop") / "snippet"
    shutil.copytree(SNIPPET, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    for name in ADAPTERS:
        (folder.parent / "integrations" / name).mkdir(parents=True)
        shutil.copy(SNIPPET.parent / "integrations" / name / "storefront.js", folder.parent / "integrations" / name)
    run("npm", "ci", "--prefer-offline", folder=folder)
    return folder


def run(*command: str, folder: Path) -> None:
    """Runs a tool; what it said is in the failure."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_committed_files_are_what_the_sources_build(workshop: Path) -> None:
    run("node", "build.mjs", folder=workshop)
    for name in (*FILES, "manifest.json"):
        assert (workshop / "dist" / name).read_bytes() == (DIST / name).read_bytes(), f"{name}: run node build.mjs"


def test_the_sources_keep_their_types(workshop: Path) -> None:
    run("npx", "--no-install", "tsc", "-p", "jsconfig.json", folder=workshop)


@pytest.mark.parametrize("name", FILES)
def test_the_files_stay_within_their_budget(name: str) -> None:
    assert len(gzip.compress((DIST / name).read_bytes(), 9)) <= BUDGETS.get(name, ADAPTERS_BUDGET)


def test_the_manifest_says_what_is_there() -> None:
    manifest = json.loads((DIST / "manifest.json").read_text())
    assert set(manifest) == set(FILES) == {path.relative_to(DIST).as_posix() for path in DIST.rglob("*.js")}
    for name in FILES:
        code = (DIST / name).read_bytes()
        assert manifest[name]["hash"] == hashlib.sha256(code).hexdigest()[:16]
        assert manifest[name]["bytes"] == len(code)
    assert f"shopbell-ui.js?v={manifest['shopbell-ui.js']['hash']}" in (DIST / "shopbell.js").read_text()


def test_the_lock_file_names_no_registry() -> None:
    lock = (SNIPPET / "package-lock.json").read_text()
    assert "://" not in lock.replace("https://opencollective.com", "").replace("https://github.com/sponsors", "")
    assert '"integrity"' in lock
