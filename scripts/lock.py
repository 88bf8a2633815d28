"""Write ``requirements/run.txt``, ``test.txt`` and ``bench.txt`` anew from ``pyproject.toml``.

Packages that still fit keep their versions; ``--upgrade`` takes the newest. The files name packages, versions and
hashes, and no place to fetch them from.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Made by `make lock` from pyproject.toml; do not edit.\n"
COMPILE = (
    "pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header "
    "--no-emit-index-url --no-emit-find-links --no-annotate"
).split()


def main(options: list[str]) -> None:
    lock("run", ["--group", "build", *options])
    lock("test", ["--group", "build", "--group", "test", "--constraint", "requirements/run.txt", *options])
    groups = ["--group", "build", "--group", "test", "--group", "bench"]
    lock("bench", [*groups, "--constraint", "requirements/test.txt", *options])


def lock(purpose: str, options: list[str]) -> None:
    path = ROOT / "requirements" / f"{purpose}.txt"
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, *COMPILE, *options, "--output-file", path, "pyproject.toml"], cwd=ROOT, check=True)
    path.write_text(HEADER + path.read_text().removeprefix(HEADER))


if __name__ == "__main__":
    main(sys.argv[1:])
