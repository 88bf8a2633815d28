"""A Jinja2 environment in which a template can show, choose and repeat, and nothing else.

Jinja2's sandbox keeps templates away from Python's insides, but not from the machine's time and memory
(https://jinja.palletsprojects.com/en/stable/sandbox/#security-considerations). Here a template has no arithmetic, no
assignments, no macros and no includes, so that only its loops can make work and only its output can grow; both are
counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from babel.support import NullTranslations
from jinja2 import BaseLoader, StrictUndefined, TemplateError, nodes, pass_context
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_ROUNDS: Final = 2_000
LONGEST_OUTPUT: Final = 400_000

_ALLOWED: Final = (
    nodes.Template, nodes.Extends, nodes.Block, nodes.Output, nodes.TemplateData, nodes.If, nodes.CondExpr, nodes.For,
    nodes.Name, nodes.NSRef, nodes.Getattr, nodes.Const, nodes.TemplateData, nodes.Compare, nodes.Operand, nodes.And,
    nodes.Or, nodes.Not, nodes.Call, nodes.Keyword,
)  # fmt: skip
_TEXT_FUNCTIONS: Final = ("gettext", "ngettext", "pgettext", "npgettext")


class _Rounds:
    """How many rounds all loops of one rendering have made together."""

    def __init__(self) -> None:
        self.made = 0

    def count(self, items: Iterable[object]) -> Iterator[object]:
        for item in items:
            self.made += 1
            if self.made > MOST_ROUNDS:
                raise SecurityError(f"the template's loops make more than {MOST_ROUNDS} rounds")
            yield item


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Templates from ``loader`` in the language of ``translations``; raises TemplateError for what is not allowed."""

    def __init__(self, loader: BaseLoader, translations: NullTranslations, *, autoescape: bool) -> None:
        super().__init__(
            loader=loader,
            autoescape=autoescape,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            extensions=["jinja2.ext.i18n"],
        )
        self.globals.clear()
        self.tests.clear()
        self.filters.clear()
        # The i18n extension adds this method to the environment, out of the type checker's sight.
        self.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]
        self.filters["counted"] = _counted

    def render(self, name: str, **values: object) -> str:
        """The rendered template. Raises TemplateError, also for one that would be too long or take too long."""
        pieces: list[str] = []
        length = 0
        try:
            for piece in self.get_template(name).generate(**values, _rounds=_Rounds()):
                length += len(piece)
                if length > LONGEST_OUTPUT:
                    raise SecurityError(f"the template makes more than {LONGEST_OUTPUT} characters")
                pieces.append(piece)
        except RecursionError:
            raise TemplateError("the template repeats itself without end") from None
        return "".join(pieces)

    def is_safe_callable(self, obj: object) -> bool:
        return any(obj is self.globals.get(name) for name in _TEXT_FUNCTIONS)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for node in tree.find_all(nodes.Node):
            if not isinstance(node, _ALLOWED):
                what = type(node).__name__
                raise TemplateSyntaxError(f"{what} is not allowed in a mail template", node.lineno, name, filename)
        for loop in list(tree.find_all(nodes.For)):
            if loop.recursive:
                raise TemplateSyntaxError("a loop may not call itself", loop.lineno, name, filename)
            loop.iter = nodes.Filter(loop.iter, "counted", [], [], None, None, lineno=loop.lineno)
        return tree


@pass_context
def _counted(context: Context, items: Iterable[object]) -> Iterator[object]:
    rounds = context["_rounds"]
    assert isinstance(rounds, _Rounds)
    return rounds.count(items)
