"""From a MailContext to the two parts of a mail."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

import mrml
from jinja2 import BaseLoader, FileSystemLoader, TemplateError

from engine.errors import DeliveryRefused
from engine.language import Catalogues, locale_for
from engine.mail.sandbox import BoundedEnvironment
from engine.mail.view import MailView, clean, header_text, make_view, spoken
from engine.messages import MailContext, RenderedMail

_HERE: Final = Path(__file__).parent
CATALOGUES: Final = Catalogues(_HERE / "locale")
SHIPPED: Final = FileSystemLoader(_HERE / "templates")
TEMPLATES: Final = tuple(sorted(path.name.split(".")[0] for path in (_HERE / "templates").glob("*.subject.j2")))
"""What a rule's ``template`` may be."""

_SUBJECT_LENGTH: Final = 150
# No comments: a mail's size counts (Gmail clips at 102 kB). No fonts: MJML would fetch its default one from Google.
_OPTIONS: Final = mrml.RenderOptions(disable_comments=True, fonts={})


def render(context: MailContext, *, loader: BaseLoader = SHIPPED) -> RenderedMail:
    """The mail in the shopper's language, English where that is not spoken.

    Raises DeliveryRefused when it cannot be written: an unknown template, offer, promise or call, or a control
    character where a header would be.
    """
    language = CATALOGUES.choose(context.language)
    name = context.order.template
    if loader is SHIPPED and name not in TEMPLATES:
        raise DeliveryRefused(f"there is no mail template '{name}'; there are: {', '.join(TEMPLATES)}")
    try:
        return _render(name, context, language, loader)
    except TemplateError as error:
        raise DeliveryRefused(f"the mail template '{name}' cannot be rendered: {error}") from error


def _render(name: str, context: MailContext, language: str, loader: BaseLoader) -> RenderedMail:
    locale = locale_for(context.language, language)
    plain = _environment(loader, language, autoescape=False)
    subject = _subject(
        context, plain.render(f"{name}.subject.j2", shop=context.shop_name, product=_first_product(context))
    )
    view = make_view(context, language, locale, subject)
    text = plain.render(f"{name}.txt.j2", mail=view)
    return RenderedMail(subject=subject, html=_html(name, view, loader), text=_tidy(text))


def _first_product(context: MailContext) -> str:
    return next((clean(line.name, 80) for line in context.lines if line.name), "")


def _subject(context: MailContext, default: str) -> str:
    subject = header_text(spoken(context.order.subject, context.language) or default.strip(), "the subject")
    return subject if len(subject) <= _SUBJECT_LENGTH else subject[: _SUBJECT_LENGTH - 1].rstrip() + "…"


def _html(name: str, view: MailView, loader: BaseLoader) -> str:
    source = _environment(loader, view.language, autoescape=True).render(f"{name}.mjml.j2", mail=view)
    try:
        return str(mrml.to_html(source, render_options=_OPTIONS).content)
    except OSError as error:  # what mrml raises for a document it cannot read
        raise DeliveryRefused(f"the mail template '{name}' is not valid MJML: {error}") from error


@cache
def _environment(loader: BaseLoader, language: str, *, autoescape: bool) -> BoundedEnvironment:
    return BoundedEnvironment(loader, CATALOGUES.translations(language), autoescape=autoescape)


def _tidy(text: str) -> str:
    """Paragraphs apart by one empty line, however many parts of the template had nothing to say."""
    return re.sub(r"\n{3,}", "\n\n", text.strip()) + "\n"
