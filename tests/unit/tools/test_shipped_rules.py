"""What is shipped keeps its own promises: the rules beside the code, and every blueprint."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import RuleFileError
from engine.live import ready
from engine.pipeline import ShopRules
from engine.rehearsal import script
from engine.rehearsal.mutate import survivors
from engine.rehearsal.stage import play
from engine.rules import blueprints, loader
from engine.rules.blueprints import BlueprintError, as_the_shop_has_it, fill
from engine.rules.layout import add_entry, tidy

ROOT = Path(__file__).parents[3]
OTHER_VALUES = {
    "duration": "2m", "days": "2d", "money": "9.50", "share": "25%", "count": "2", "page": "blog",
    "text": 'Jan "de" Vries', "name": "other-list",
}  # fmt: skip
OTHER_BY_NAME = {"free": "80.00", "within": "20d"}  # which must be more than what they go with


def failures(shop: ShopRules, text: str) -> list[str]:
    results = [play(each, shop) for each in script.load(text, shop.rules)]
    assert results
    return [f"{result.script.name}: {failure.message}" for result in results for failure in result.failures]


def unnoticed(shop: ShopRules, text: str) -> list[str]:
    _, alive = survivors(shop, script.load(text, shop.rules))
    # Which of two rules goes first is for the file in which both stand.
    return [mutant.what for mutant in alive if "priority" not in mutant.what]


def test_the_shipped_rules_do_what_their_tests_say_and_every_clause_is_protected() -> None:
    shop = ready(loader.load((ROOT / "rules.yaml").read_text(encoding="utf-8")))
    tests = (ROOT / "rules.test.yaml").read_text(encoding="utf-8")
    assert failures(shop, tests) == []
    _, alive = survivors(shop, script.load(tests, shop.rules))
    assert alive == []


def test_the_shipped_rules_are_laid_out_as_we_write_them() -> None:
    text = (ROOT / "rules.yaml").read_text(encoding="utf-8")
    assert tidy(text) == text


@pytest.mark.parametrize("name", blueprints.names())
class TestEveryBlueprint:
    @pytest.mark.parametrize("languages", [("nl",), ("en",), ("nl", "en"), ("en", "nl")])
    def test_is_a_good_rule_file_in_each_language(self, name: str, languages: tuple[str, ...]) -> None:
        found = loader.examine(fill(name, {}, languages).rule_file(languages))
        assert found.problems == ()
        assert [problem.message for problem in found.warnings if "translation" in problem.message] == []

    def test_does_what_its_tests_say_and_no_clause_is_there_in_vain(self, name: str) -> None:
        filled = fill(name, {})
        shop = ready(loader.load(filled.rule_file(("nl", "en"))))
        assert failures(shop, filled.test_file()) == []
        assert unnoticed(shop, filled.test_file()) == []

    def test_goes_into_the_shipped_file_which_keeps_its_comments_and_has_no_finding(self, name: str) -> None:
        shipped = (ROOT / "rules.yaml").read_text(encoding="utf-8")
        shop = loader.load(shipped).shop
        filled = fill(name, as_the_shop_has_it(name, shop), shop.languages)
        entry = filled.rule.replace(f"name: {name}", "name: one-more")
        text = add_entry(shipped, "rules", entry)
        assert text.startswith(shipped)
        lacking = [f"  {need}: {value}\n" for need, value in filled.needs.items() if not getattr(shop, need)]
        found = loader.examine(text.replace("shop:\n", "shop:\n" + "".join(lacking), 1))
        assert (found.problems, found.warnings) == ((), ())

    def test_its_tests_follow_its_blanks(self, name: str) -> None:
        plan = blueprints.blueprint(name)
        others = {
            blank: OTHER_BY_NAME.get(blank, OTHER_VALUES[told.kind])
            for blank, told in plan.blanks.items()
            if told.kind != "address"
        }
        filled = fill(name, others)
        shop = ready(loader.load(filled.rule_file(("nl", "en"))))
        assert failures(shop, filled.test_file()) == []

    def test_refuses_what_does_not_fit_its_blanks(self, name: str) -> None:
        for blank, told in blueprints.blueprint(name).blanks.items():
            if told.kind not in ("text", "name", "address"):
                with pytest.raises(BlueprintError, match=blank):
                    fill(name, {blank: "soon"})


def test_a_blueprint_that_is_not_there_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(BlueprintError, match="did you mean 'cart-left'"):
        fill("cart-lef", {})


def test_a_blank_that_is_not_there_is_told() -> None:
    with pytest.raises(BlueprintError, match="has no blank 'aftr'"):
        fill("cart-left", {"aftr": "1h"})


def test_a_language_that_nobody_wrote_is_told() -> None:
    with pytest.raises(BlueprintError, match="nl and en"):
        fill("cart-left", {}, ("de",))


def test_no_two_blueprints_are_the_same_rule() -> None:
    together = "".join(f"  {fill(name, {}).rule}".replace("\n", "\n  ").rstrip() + "\n" for name in blueprints.names())
    rules = loader.load(f"shop:\n  languages: [nl, en]\nrules:\n{together}")
    assert {rule.name for rule in rules.rules} == set(blueprints.names())


def test_a_file_that_is_broken_is_not_laid_out() -> None:
    with pytest.raises(RuleFileError):
        tidy("rules: [{name: a}]")
