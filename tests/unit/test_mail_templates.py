"""What a template may do: show, choose and repeat, in bounds; and that the shipped ones are whole."""

from __future__ import annotations

from string import ascii_letters

import pytest
from jinja2 import DictLoader

from engine.errors import DeliveryRefused
from engine.mail import TEMPLATES, render
from engine.messages import MailOrder
from tests.unit.mails import context


def with_template(source: str) -> DictLoader:
    mjml = "<mjml><mj-body><mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section></mj-body></mjml>"
    return DictLoader({"evil.subject.j2": "Hi", "evil.txt.j2": source, "evil.mjml.j2": mjml})


@pytest.mark.parametrize(
    "source",
    [
        "{{ mail.__class__ }}",
        "{{ mail.name.__class__.__mro__ }}",
        "{{ ''.join }}{{ mail.name.format('x') }}",
        "{{ mail.lines.append(1) }}",
        "{{ self.__init__ }}",
        "{{ gettext.__globals__ }}",
        "{{ lipsum }}",
        "{{ _rounds.made() }}",
        "{{ range(10) }}",
        "{{ 'a' * 1000000000 }}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ 'a' ~ 'b' }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ mail.name | center(1000000000) }}",
        "{{ mail.name | attr('__class__') }}",
        "{% set x = 1 %}{{ x }}",
        "{% set x %}{{ mail.name }}{% endset %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% include 'evil.txt.j2' %}",
        "{% import 'evil.txt.j2' as e %}",
        "{% extends 'evil.txt.j2' %}",
        "{% for x in mail.lines recursive %}{{ loop(mail.lines) }}{% endfor %}",
        "{% if %}",
        "{{ nothing_of_the_kind }}",
    ],
)
def test_a_template_gets_nothing_by_tricks(source: str) -> None:
    with pytest.raises(DeliveryRefused, match="evil"):
        render(context(order=MailOrder(template="evil")), loader=with_template(source))


def test_a_template_may_show_choose_and_repeat() -> None:
    source = "{% if mail.name %}{{ mail.name }}:{% endif %}{% for line in mail.lines %} {{ line.name }}{% endfor %}"
    made = render(context(order=MailOrder(template="evil")), loader=with_template(source))
    assert made.text == "Anna: Vulpen Hoekwerk Notitieboek A5\n"


def test_loops_within_loops_are_stopped() -> None:
    nested = "{% for a in mail.lines %}" * 12 + "x" + "{% endfor %}" * 12
    with pytest.raises(DeliveryRefused, match="rounds"):
        render(context(order=MailOrder(template="evil")), loader=with_template(nested))


def test_output_without_end_is_stopped() -> None:
    wide = "{% for a in mail.lines %}{% for b in mail.lines %}" + "x" * 150_000 + "{% endfor %}{% endfor %}"
    with pytest.raises(DeliveryRefused, match="characters"):
        render(context(order=MailOrder(template="evil")), loader=with_template(wide))


@pytest.mark.parametrize(
    "order",
    [
        MailOrder(template="nothing-like-it"),
        MailOrder(template="../locale/nl"),
        MailOrder(template="cart-reminder", offer="a_castle"),
        MailOrder(template="cart-reminder", promise="a_castle"),
        MailOrder(template="cart-reminder", call=("pigeon",)),
    ],
)
def test_what_no_mail_has_words_for_is_refused_by_name(order: MailOrder) -> None:
    with pytest.raises(DeliveryRefused) as error:
        render(context(order=order))
    assert any(word in error.value.message for word in ("nothing-like-it", "../locale/nl", "a_castle", "pigeon"))


def test_the_shipped_templates_are_whole() -> None:
    assert TEMPLATES == ("back-in-stock", "cart-reminder", "effort-survey", "shipping-surprise", "unpaid-order")
    assert all(set(name) <= set(ascii_letters + "-") for name in TEMPLATES)
