"""``shopbell schema``: the rule language for editors and for the documentation."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.option(
    "--docs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Rewrite rules.schema.json, the tables of rules.md and integrations/ in this folder instead.",
)
def command(docs: Path | None) -> None:
    """Print the JSON Schema of rule files, with which an editor completes and checks while you type."""
    from engine.integration import known, pages
    from engine.rules.schema import json_schema, refresh

    text = json.dumps(json_schema(known()), ensure_ascii=False, indent=2) + "\n"
    if docs is None:
        click.echo(text, nl=False)
        return
    (docs / "rules.schema.json").write_text(text, encoding="utf-8")
    reference = docs / "rules.md"
    reference.write_text(refresh(reference.read_text(encoding="utf-8")), encoding="utf-8")
    for name, page in pages().items():
        (docs / "integrations").mkdir(exist_ok=True)
        (docs / "integrations" / name).write_text(page, encoding="utf-8")
