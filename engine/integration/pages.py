"""``docs/integrations/``: a page for each integration, from its class and its module, and their index.

A test compares the pages with the files; ``shopbell schema --docs docs`` writes them anew.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

from engine.integration.found import AnyIntegration, find, names
from engine.integration.parts import parts_of
from engine.integration.receive import Receiver
from engine.integration.settings import options_of
from engine.rules.shop import Option

_NOTE = "<!-- From the code: `shopbell schema --docs docs` writes this page anew. -->"

_BEFORE = """\
**Before you begin.** Shopbell runs at an https address which the shop's pages and the platform can reach, and knows it
as its `PUBLIC_URL`; here that is `https://bell.shop.example`
([production settings](../../README.md#production-settings)). Where a page says `shopbell`, type `.venv/bin/shopbell` in
Shopbell's folder, with the environment that the service has. The service reads its environment when it starts, so start
it again after you have put a secret there. The rule file is read again by itself. `<shop.id>` is the `id` under `shop`
in it: `main` where there is none."""
"""What has to be true before any shop's platform is connected."""


def pages() -> dict[str, str]:
    """The text of every page by its file name."""
    return {f"{name}.md": page(name, find(name)) for name in names()} | {"README.md": _index()}


def page(name: str, kind: type[AnyIntegration]) -> str:
    """One integration's page."""
    return "\n\n".join((f"# {kind.title}", _NOTE, *_body(name, kind))) + "\n"


def _body(name: str, kind: type[AnyIntegration]) -> Iterator[str]:
    yield inspect.cleandoc(kind.__doc__ or "")
    yield "\n".join(f"- **{part.word}**: {part.says}" for part in parts_of(kind))
    steps = _steps(kind)
    if steps:
        yield f"## Connect it\n\n{steps}"
    yield f"## Settings\n\nUnder `integrations: {{{name}: …}}` in the rule file:"
    yield _settings(options_of(kind.settings_type))
    for part in parts_of(kind):
        more = part.more(kind)
        if more:
            yield more
    told = inspect.cleandoc(sys.modules[kind.__module__].__doc__ or "")
    yield f"## How it works\n\n{told}"


def _steps(kind: type[AnyIntegration]) -> str:
    """What a shop does to connect it, from the ``connect.md`` beside the integration; "" where there is none."""
    beside = Path(inspect.getfile(kind)).with_name("connect.md")
    if not beside.exists():
        return ""
    steps = beside.read_text(encoding="utf-8").strip()
    return f"{_BEFORE}\n\n{steps}" if issubclass(kind, Receiver) else steps


def _settings(options: tuple[Option, ...]) -> str:
    rows = [f"| `{option.name}` | {_cell(option.help)} | {_default(option)} |" for option in options]
    return "\n".join(("| setting | means | unless given |", "|---|---|---|", *rows))


def _default(option: Option) -> str:
    given = "**must be given**" if option.required else f"`{option.default}`" if option.default else ""
    return f"{given}{'; ' if given else ''}secret: as `env:NAME` only" if option.secret else given


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _index() -> str:
    rows = [
        f"| [`{name}`]({name}.md) | {find(name).title} | {', '.join(part.word for part in parts_of(find(name)))} |"
        for name in names()
    ]
    table = "\n".join(("| name | connects | speaks |", "|---|---|---|", *rows))
    more = "How to write another one stands in [CONTRIBUTING.md](../../CONTRIBUTING.md#a-new-integration)."
    says = "The outside services that a shop can name in its rule file."
    return f"# Integrations\n\n{_NOTE}\n\n{says}\n\n{table}\n\n{more}\n"
