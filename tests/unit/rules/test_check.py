from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli import run

GOOD = "rules:\n  - name: helping-hand\n    when: [can_email]\n    then: [email: cart-reminder]\n"


def test_a_good_file_is_said_to_be_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(GOOD)
    assert run(["check", str(file)]) == 0
    assert capsys.readouterr().out == "rules.yaml: 1 rule, no problems\n"


def test_a_bad_file_is_explained_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(GOOD.replace("can_email", "can_mail"))
    assert run(["check", str(file)]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == (
        "rules.yaml:3:12: unknown condition 'can_mail' (did you mean 'can_email'?)\n"
        "    when: [can_mail]\n"
        "           ^\n"
        "rules.yaml: 1 problem\n"
    )


def test_a_bad_file_is_explained_in_dutch_to_who_asks_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(GOOD.replace("can_email", "can_mail"))
    assert run(["check", str(file), "--language", "nl"]) == 1
    assert capsys.readouterr().err == (
        "rules.yaml:3:12: onbekende voorwaarde 'can_mail' (bedoel je 'can_email'?)\n"
        "    when: [can_mail]\n"
        "           ^\n"
        "rules.yaml: 1 probleem\n"
    )
    run(["check", str(file)])
    assert "unknown condition" in capsys.readouterr().err


def test_the_terminal_is_answered_in_its_language(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOPBELL_LANGUAGE")
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.setenv("LC_MESSAGES", "nl_NL.UTF-8")
    assert run(["check", str(tmp_path / "lost.yaml")]) == 1
    assert capsys.readouterr().err.startswith("shopbell: er is geen regelbestand lost.yaml;")


def test_a_doubt_is_told_and_is_no_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(GOOD.replace("can_email", "on_page: faq"))
    assert run(["check", str(file)]) == 0
    told = capsys.readouterr().out
    assert told.startswith("warning: rules.yaml:2:3: helping-hand: mail goes only to")
    assert told.endswith("\nrules.yaml: 1 rule, no problems, 1 warning\n")


def test_a_program_gets_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text("shop: {id: b}\n" + GOOD.replace("can_email", "can_mail"))
    assert run(["check", str(tmp_path), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert not answer["ok"]
    assert [(problem["file"], problem["line"], problem["column"]) for problem in answer["problems"]] == [
        ("b.yaml", 4, 12)
    ]
    assert [rule["name"] for rule in answer["rules"]] == ["helping-hand"]


def test_without_a_name_the_file_that_runs_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop.yaml").write_text(GOOD)
    monkeypatch.setenv("RULES", str(tmp_path / "shop.yaml"))
    assert run(["check"]) == 0
    assert capsys.readouterr().out.startswith("shop.yaml:")


def test_a_file_that_is_not_there_is_one_plain_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "nowhere.yaml"]) == 1
    assert capsys.readouterr().err.startswith("shopbell: there is no rule file nowhere.yaml")


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Shopbell rules"


@pytest.mark.parametrize(("word", "wanted"), [("gap", "free_shipping_from"), ("delivery", "delivery")])
def test_a_hint_that_can_never_be_shown_is_told(
    word: str, wanted: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rules.yaml"
    hint = f"rules:\n  - name: hint\n    when: [on_page: product]\n    then: [nudge: 'Only {{{word}}}']\n"
    file.write_text(hint)
    assert run(["check", str(file)]) == 0
    assert f"hint: says {{{word}}}, but the shop has no {wanted}, so it is never shown" in capsys.readouterr().out
    file.write_text("shop: {free_shipping_from: 50, delivery: {order_before: '16:00'}}\n" + hint)
    assert run(["check", str(file)]) == 0
    assert "no problems" in capsys.readouterr().out


def test_what_the_platform_tells_of_the_cart_itself_need_not_stand_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rules.yaml"
    hint = "rules:\n  - name: hint\n    when: [gap_to_free_shipping: '<= 5']\n    then: [nudge: 'Only {gap}']\n"
    file.write_text(hint)
    assert run(["check", str(file)]) == 0
    assert "stays unknown, because the shop has no free_shipping_from" in capsys.readouterr().out
    file.write_text("integrations: {lightspeed: {}}\n" + hint)
    assert run(["check", str(file)]) == 0
    assert "no problems" in capsys.readouterr().out
