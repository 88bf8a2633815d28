"""The commands around a rule file, as somebody types them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from engine.cli import run
from engine.rules.loader import load_path
from tests.builders import STUCK, rule_set

TESTS = """
tests:
  - name: a reader is asked
    rule: stuck
    given: {0s: {opens: knowledge_base}}
    expect: {44s: nothing, 45s: {invite: stuck}}
"""
WRONG = TESTS.replace("a reader", "a quick reader").replace("44s: nothing, 45s", "10s")


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A rule file with one rule and one test beside it."""
    file = tmp_path / "rules.yaml"
    file.write_text(rule_set(STUCK).source)
    (tmp_path / "rules.test.yaml").write_text(TESTS)
    monkeypatch.setenv("RULES", str(file))
    return file


Told = pytest.CaptureFixture[str]


def test_tests_that_pass_are_told_and_nothing_else(rules: Path, capsys: Told) -> None:
    assert run(["test"]) == 0
    assert capsys.readouterr().out == "✓ a reader is asked\n\n1 test, 0 failed\n"


def test_a_test_that_fails_is_told_with_its_place_and_what_the_rule_said(rules: Path, capsys: Told) -> None:
    (rules.parent / "more.yaml").write_text(WRONG)
    assert run(["test", str(rules), str(rules.parent / "more.yaml")]) == 1
    out = capsys.readouterr().out
    assert "more.yaml:6:19: at 10 s: expected invite: stuck, but nothing came" in out
    assert "… on_page: {type: knowledge_base, for: 45s}  saw 0 s, wanted 45 s" in out


def test_a_test_that_fails_is_told_in_dutch(rules: Path, capsys: Told) -> None:
    (rules.parent / "more.yaml").write_text(WRONG)
    assert run(["test", str(rules), str(rules.parent / "more.yaml"), "--language", "nl"]) == 1
    out = capsys.readouterr().out
    assert "more.yaml:6:19: na 10 s: verwacht werd invite: stuck, maar er kwam niets" in out
    assert "stuck op dat moment: nog niet, klopt over 45 s, als er niets verandert" in out
    assert "… on_page: {type: knowledge_base, for: 45s}  gezien: 0 s, nodig: 45 s" in out
    assert out.endswith("\n1 test, 1 mislukt\n")


def test_what_no_test_would_miss_is_told_in_dutch(rules: Path, capsys: Told) -> None:
    assert run(["test", "--mutate", "--language", "nl"]) == 1
    assert "stuck: geen enkele test merkt dit: zonder 'once_per'" in capsys.readouterr().out


def test_build_servers_get_junit_and_programs_json(rules: Path, capsys: Told) -> None:
    (rules.parent / "more.yaml").write_text(WRONG)
    report = rules.parent / "report.xml"
    files = [str(rules), str(rules.parent / "rules.test.yaml"), str(rules.parent / "more.yaml")]
    assert run(["test", *files, "--junit", str(report), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [(test["name"], test["passed"]) for test in told["tests"]] == [
        ("a reader is asked", True), ("a quick reader is asked", False),
    ]  # fmt: skip
    suites = ElementTree.fromstring(report.read_bytes())  # noqa: S314 - we have just written it
    assert [(suite.get("name"), suite.get("failures")) for suite in suites] == [
        ("rules.test.yaml", "0"), ("more.yaml", "1"),
    ]  # fmt: skip


def test_what_no_test_would_miss_is_told(rules: Path, capsys: Told) -> None:
    assert run(["test", "--mutate"]) == 1
    out = capsys.readouterr().out
    assert "stuck: no test notices this: without 'once_per'" in out
    assert "'for'" not in out


def test_without_tests_there_is_nothing_to_be_proud_of(rules: Path, capsys: Told) -> None:
    (rules.parent / "rules.test.yaml").unlink()
    assert run(["test"]) == 1
    assert "there are no tests: rules.test.yaml is not there" in capsys.readouterr().err


def test_a_broken_test_file_is_told_like_a_broken_rule_file(rules: Path, capsys: Told) -> None:
    (rules.parent / "rules.test.yaml").write_text(TESTS.replace("opens", "opns"))
    assert run(["test"]) == 1
    assert "unknown event 'opns' (did you mean 'opens'?)" in capsys.readouterr().err


def test_a_file_is_laid_out_anew_once(rules: Path, capsys: Told) -> None:
    rules.write_text(rules.read_text().replace("45s", "45 seconds"))
    assert run(["fmt", "--check"]) == 1
    assert "45 seconds" in rules.read_text()
    assert run(["fmt"]) == 0
    assert "for: 45s" in rules.read_text()
    assert run(["fmt", "--check"]) == 0
    assert "would be laid out anew" in capsys.readouterr().out


def test_a_blueprint_is_printed_in_one_language(capsys: Told) -> None:
    assert run(["new", "cart-left", "--language", "nl", "--set", "after=6h"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("- name: cart-left\n")
    assert "cart_abandoned: 6h" in out
    assert "Een winkelwagen van enige waarde" in out


def test_a_blueprint_is_added_with_its_tests_and_they_pass(rules: Path, capsys: Told) -> None:
    before = rules.read_text()
    assert run(["new", "high-value-cart", "--set", "total=99.00", "--into", str(rules)]) == 0
    assert rules.read_text().startswith(before.rstrip())
    assert set(load_path(rules)["main"].by_name) == {"stuck", "high-value-cart"}
    assert run(["test"]) == 0
    assert "✓ a reader is asked" in capsys.readouterr().out


def test_a_blueprint_takes_what_the_shop_s_section_has_and_tells_what_it_lacks(rules: Path, capsys: Told) -> None:
    before = rules.read_text()
    rules.write_text("# free_shipping_from: 75.00\n" + before)
    assert run(["new", "close-to-free-shipping", "--into", str(rules)]) == 0
    assert "It needs free_shipping_from in the shop's section" in capsys.readouterr().out
    rules.write_text("shop:\n  free_shipping_from: 75.00\n" + before)
    (rules.parent / "rules.test.yaml").write_text(TESTS)
    assert run(["new", "close-to-free-shipping", "--into", str(rules)]) == 0
    assert "It needs" not in capsys.readouterr().out
    assert "cart: 60.00" in (rules.parent / "rules.test.yaml").read_text()
    assert run(["test", str(rules)]) == 0


def test_a_blueprint_is_not_added_twice(rules: Path, capsys: Told) -> None:
    assert run(["new", "cart-left", "--into", str(rules)]) == 0
    once = rules.read_text()
    assert run(["new", "cart-left", "--into", str(rules)]) == 1
    assert "a rule called 'cart-left' stands on line" in capsys.readouterr().err
    assert rules.read_text() == once


def test_every_blueprint_is_listed_with_its_blanks(capsys: Told) -> None:
    assert run(["new", "--list"]) == 0
    out = capsys.readouterr().out
    assert "unexpected-shipping\n" in out
    assert "--set surprise=3.00" in out


@pytest.mark.parametrize("arguments", [["new"], ["new", "cart-left", "--set", "after"]])
def test_wrong_use_is_told(arguments: list[str], capsys: Told) -> None:
    assert run(arguments) == 2
    assert capsys.readouterr().err
