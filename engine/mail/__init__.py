"""Mails: words, layout and languages. ``render(context)`` is all that the flow needs.

    locale     gettext catalogues; English is what the templates are written in
    sandbox    Jinja2 that can show, choose and repeat, in bounds
    view       what a template gets to see: clean, formatted, allow-listed
    render     subject, plain text and HTML (MJML by mrml) of one mail

A mail is three files in ``templates/``: ``<name>.subject.j2``, ``<name>.txt.j2`` and ``<name>.mjml.j2``.
"""

from engine.mail.render import CATALOGUES, TEMPLATES, render
from engine.mail.view import ASSURANCES, CALLS

__all__ = ["ASSURANCES", "CALLS", "CATALOGUES", "TEMPLATES", "render"]
