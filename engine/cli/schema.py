"""``shopbell schema``: the rule language for editors and for the documentation."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--docs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Rewrite rules.schema.json, the tables of rules.md and tools.md, and integrations/ in this folder instead.",
)
def command(file: Path | None, docs: Path | None) -> None:
    """Print the JSON Schema of rule files, with which an editor completes and checks while you type.

    With FILE it is written there, and the line by which a rule file beside it uses it is printed.
    """
    from engine.integration import known
    from engine.rules.schema import json_schema

    text = json.dumps(json_schema(known()), ensure_ascii=False, indent=2) + "\n"
    if docs is not None:
        (docs / "rules.schema.json").write_text(text, encoding="utf-8")
        _refresh(docs)
    elif file is not None:
        file.write_text(text, encoding="utf-8")
        click.echo(f"# yaml-language-server: $schema={file.name}")
    else:
        click.echo(text, nl=False)


def _refresh(docs: Path) -> None:
    from engine.integration import pages
    from engine.rules.schema import refresh

    for page in (docs / "rules.md", docs / "tools.md"):
        page.write_text(refresh(page.read_text(encoding="utf-8")), encoding="utf-8")
    for name, text in pages().items():
        (docs / "integrations").mkdir(exist_ok=True)
        (docs / "integrations" / name).write_text(text, encoding="utf-8")
