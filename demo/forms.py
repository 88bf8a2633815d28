"""What shoppers type: cut to size, checked, and given back with one plain sentence for each mistake."""

from __future__ import annotations

import re
from collections.abc import Mapping

from email_validator import EmailNotValidError, validate_email

from demo.visit import Address, Contact

COUNTRIES = ("NL", "BE")
LONGEST = 120
LONGEST_EMAIL = 254

_POSTCODE = {"NL": re.compile(r"[1-9]\d{3} ?[A-Z]{2}"), "BE": re.compile(r"[1-9]\d{3}")}
_VISITOR = re.compile(r"[A-Za-z0-9_-]{8,64}")

Errors = dict[str, str]
"""Field name → key of the sentence in `texts`."""


def _line(form: Mapping[str, str], field: str, longest: int = LONGEST) -> str:
    """One line of text: control characters become spaces, ends trimmed, never longer than a label can hold."""
    text = "".join(c if c.isprintable() else " " for c in form.get(field, ""))
    return " ".join(text.split())[:longest]


def _is_email(text: str) -> bool:
    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def read_contact(form: Mapping[str, str], consent_text: str) -> tuple[Contact, Errors]:
    contact = Contact(
        name=_line(form, "name"),
        email=_line(form, "email", LONGEST_EMAIL),
        may_mail=form.get("may_mail") == "yes",
        consent_text=consent_text,
    )
    errors: Errors = {}
    if not contact.name:
        errors["name"] = "error_name"
    if not _is_email(contact.email):
        errors["email"] = "error_email"
    return contact, errors


def read_address(form: Mapping[str, str]) -> tuple[Address, Errors]:
    country = form.get("country", "NL")
    address = Address(
        street=_line(form, "street"),
        postcode=_line(form, "postcode", 10).upper(),
        city=_line(form, "city"),
        country=country if country in COUNTRIES else "NL",
    )
    errors: Errors = {}
    if not any(c.isdigit() for c in address.street):
        errors["street"] = "error_street"
    if not _POSTCODE[address.country].fullmatch(address.postcode):
        errors["postcode"] = "error_postcode"
    if not address.city:
        errors["city"] = "error_city"
    return address, errors


def read_quantity(text: str) -> int:
    """A quantity as typed; 0 for anything that is not a small whole number."""
    return int(text) if re.fullmatch(r"[0-9]{1,3}", text) else 0


def read_visitor(text: str) -> str:
    """The visitor id the snippet gave the form, or nothing when it does not look like one."""
    return text if _VISITOR.fullmatch(text) else ""
