"""Groups of settings: which there are, which must be there, and how a group of nodes becomes an object."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast, overload

from engine.rules.fields import Fault, Kind, Reading, Schema, Texts, Told, checked, either, refusal
from engine.rules.source import Mapping, Node, Scalar
from engine.rules.suggestions import did_you_mean, shorten
from engine.said import Said, frame, joined, say, unmarked

T = TypeVar("T")
D = TypeVar("D")
_REQUIRED = object()


class Clash(Exception):
    """Settings that are each fine but do not go together; raised by what they would have become."""

    def __init__(self, message: Said) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Setting:
    """One setting: its word in the file, its kind, its sentence in the docs.

    ``attribute`` is the argument it becomes; ``shown_default`` is for the docs where the default is not a plain value.
    """

    name: str
    kind: Kind[Any]
    says: str
    required: bool = False
    main: bool = False
    attribute: str = ""
    shown_default: str = ""
    unless: str = ""
    """A setting that may stand instead of a required one."""

    @property
    def argument(self) -> str:
        return self.attribute or self.name

    def schema(self) -> Schema:
        """Its kind, with what an editor shows of it."""
        default = f" Unless given: {self.shown_default}." if self.shown_default else ""
        shown = f"{self.says}\n\nWrite {self.kind.what}.{default}"
        return {**checked(self.kind), "title": self.name, "description": self.says, "markdownDescription": shown}


@dataclass(frozen=True)
class Form(Kind[T]):
    """A group of settings that becomes what ``make`` gives; ``title`` names the group in messages.

    A group with one ``main`` setting may be written as that setting's value alone. ``bare`` says that it must be.
    """

    make: Callable[..., T]
    settings: tuple[Setting, ...]
    title: Said
    bare: bool = False

    @property
    def what(self) -> Said:
        main = self.main
        settings = say("settings: %(names)s", names=", ".join(f"`{setting.name}`" for setting in self.settings))
        return say("%(what)s, or %(settings)s", what=main.kind.what, settings=settings) if main else settings

    @property
    def main(self) -> Setting | None:
        return next((setting for setting in self.settings if setting.main), None)

    def read(self, node: Node, reading: Reading) -> T:
        values = self.values(self._group(node, reading), reading)
        try:
            return self.make(**values)
        except Clash as clash:
            raise Fault(node, clash.message) from None

    def values(self, group: Mapping, reading: Reading) -> dict[str, object]:
        """The settings by argument name; raises Told after noting everything that is wrong in the group."""
        known = {setting.name: setting for setting in self.settings}
        values: dict[str, object] = {}
        wrong = self._note_unknown(group, reading)
        for key, node in group.pairs:
            setting = known.get(key.text)
            if setting is not None:
                value = reading.attempt(setting.kind.read, node, reading)
                wrong = wrong or value is None
                values[setting.argument] = value
        missing = [
            setting
            for setting in self.settings
            if setting.required and group.get(setting.name) is None and group.get(setting.unless) is None
        ]
        if missing:
            raise Fault(group, say("%(title)s needs %(wanted)s", title=self.title, wanted=_wanted(missing)))
        if wrong:
            raise Told
        return values

    def _note_unknown(self, group: Mapping, reading: Reading) -> bool:
        known = {setting.name for setting in self.settings}
        strangers = [key for key, _ in group.pairs if key.text not in known]
        for key in strangers:
            near = did_you_mean(key.text, known)
            reading.source.problem(
                key.line,
                key.column,
                say("%(title)s has no setting '%(text)s'%(hint)s", title=self.title, text=shorten(key.text), hint=near),
            )
        return bool(strangers)

    def _group(self, node: Node, reading: Reading) -> Mapping:
        main = self.main
        if isinstance(node, Mapping) and not self.bare:
            self._refuse_languages(node, reading)
            return node
        if isinstance(node, Scalar) and node.empty:
            return Mapping((), node.line, node.column)
        if main is None:
            raise Fault(
                node,
                say(
                    "%(title)s takes settings: %(names)s",
                    title=self.title,
                    names=", ".join(setting.name for setting in self.settings),
                ),
            )
        return Mapping(((Scalar(main.name, False, node.line, node.column), node),), node.line, node.column)

    def _refuse_languages(self, group: Mapping, reading: Reading) -> None:
        """A text per language where its setting should stand: one mistake, so it is told as one."""
        main = self.main
        if main is None or not isinstance(main.kind, Texts):
            return
        first, *_ = reading.languages
        if group.pairs and all(key.text in reading.languages for key, _ in group.pairs):
            told = say(
                "a text per language stands under '%(name)s': {%(name)s: {%(first)s: …}}", name=main.name, first=first
            )
            raise Fault(group.pairs[0][0], told)

    def schema(self) -> Schema:
        group: Schema = {
            "title": self.title.strip("'"),
            "type": "object",
            "properties": {setting.name: setting.schema() for setting in self.settings},
            "additionalProperties": False,
        }
        required = [setting.name for setting in self.settings if setting.required and not setting.unless]
        if required:
            group["required"] = required
        if self.main is None:
            return group
        if self.bare:
            return checked(self.main.kind)
        alone = self.main.kind.schema_alone()
        # Of two ways to be wrong an editor takes the first for the one that was meant, so that one names both.
        return either(
            alone=alone | ({"errorMessage": refusal(self)} if "errorMessage" in alone else {}), settings=group
        )


def _wanted(missing: list[Setting]) -> Said:
    each = [frame("'%(name)s': %(what)s", name=setting.name, what=unmarked(setting.kind.what)) for setting in missing]
    *head, last = each
    return say("%(head)s, and %(last)s", head=joined(", ", head), last=last) if head else last


@overload
def setting(kind: Kind[T], says: str, *, main: bool = False) -> T: ...
@overload
def setting(kind: Kind[T], says: str, *, default: D, main: bool = False, shown: str = "") -> T | D: ...
def setting(kind: Kind[T], says: str, *, default: object = _REQUIRED, main: bool = False, shown: str = "") -> object:
    """A dataclass field that is a setting. Its name is the word in the file (without ``_ms`` or ``_`` at its end).

    Without ``default`` the file must give it; ``shown`` is for the docs where the default does not speak for itself.
    """
    metadata = {"setting": (kind, says, main, shown)}
    if default is _REQUIRED:
        return dataclasses.field(metadata=metadata, kw_only=True)
    return dataclasses.field(default=default, metadata=metadata, kw_only=True)


def form_of(cls: type[T], title: Said, *, bare: bool = False) -> Form[T]:
    """The form of a dataclass whose fields were made by :func:`setting`; other fields are not for the file."""
    settings = tuple(_as_setting(field) for field in dataclasses.fields(cast(Any, cls)) if "setting" in field.metadata)
    return Form(cls, settings, title, bare)


def _as_setting(field: dataclasses.Field[Any]) -> Setting:
    kind, says, main, shown = field.metadata["setting"]
    return Setting(
        name=field.name.removesuffix("_ms").rstrip("_"),
        kind=kind,
        says=says,
        required=field.default is dataclasses.MISSING,
        main=main,
        attribute=field.name,
        shown_default=shown or default_text(field.default),
    )


def default_text(value: object) -> str:
    """A default as the docs show it; nothing for what merely means "not said"."""
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    return "" if value in (None, "", (), dataclasses.MISSING) else str(value)
