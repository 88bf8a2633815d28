"""Keys: who may speak for which shop; a secret one is never kept as it is."""

from __future__ import annotations

import pytest

from engine.store import keys
from engine.store.keys import KEYS, PUBLIC, SECRET
from tests.builders import Premises


def test_a_new_key_is_found_with_its_shop_and_kind(premises: Premises) -> None:
    public = keys.add_key(premises.engine, "main", PUBLIC, "the storefront")
    secret = keys.add_key(premises.engine, "main", SECRET, "the back office")
    assert (public[:3], secret[:3]) == ("pk_", "sk_")
    for made, kind in ((public, PUBLIC), (secret, SECRET)):
        found = keys.find_key(premises.engine, made)
        assert found is not None
        assert (found.shop, found.kind) == ("main", kind)


def test_a_secret_key_is_kept_as_a_hash_only(premises: Premises) -> None:
    secret = keys.add_key(premises.engine, "main", SECRET, "the back office")
    (row,) = premises.rows(KEYS)
    assert secret not in repr(row)
    assert secret[3:] not in repr(row)


def test_the_hash_of_a_secret_key_is_no_key(premises: Premises) -> None:
    secret = keys.add_key(premises.engine, "main", SECRET, "the back office")
    assert keys.find_key(premises.engine, keys.stored_form(secret)) is None


@pytest.mark.parametrize(
    "wrong", ["", "pk_", "pk_unknown", "sk_unknown", "'; DROP TABLE keys; --", "ключ", "x" * 5_000]
)
def test_what_is_not_a_key_finds_nothing(premises: Premises, wrong: str) -> None:
    keys.add_key(premises.engine, "main", PUBLIC, "the storefront")
    assert keys.find_key(premises.engine, wrong) is None


def test_no_two_keys_are_the_same(premises: Premises) -> None:
    made = {keys.add_key(premises.engine, "main", SECRET, "") for _ in range(20)}
    assert len(made) == 20


def test_a_key_that_is_given_twice_stays_what_it_was(premises: Premises) -> None:
    keys.add_key(premises.engine, "main", PUBLIC, "the demo", key="pk_demo")
    keys.add_key(premises.engine, "another", PUBLIC, "taken over", key="pk_demo")
    (key,) = keys.list_keys(premises.engine)
    assert (key.shop, key.label) == ("main", "the demo")


@pytest.mark.parametrize("kind", [PUBLIC, SECRET])
def test_a_revoked_key_is_refused_from_then_on_and_stays_listed(premises: Premises, kind: str) -> None:
    made = keys.add_key(premises.engine, "main", kind, "")
    kept = keys.add_key(premises.engine, "main", kind, "")
    assert keys.revoke_key(premises.engine, made)
    assert not keys.revoke_key(premises.engine, made)
    assert keys.find_key(premises.engine, made) is None
    assert keys.find_key(premises.engine, kept) is not None
    assert len(keys.list_keys(premises.engine)) == 2


def test_a_revoked_key_does_not_come_back_by_being_given_again(premises: Premises) -> None:
    keys.add_key(premises.engine, "main", PUBLIC, "", key="pk_demo")
    keys.revoke_key(premises.engine, "pk_demo")
    keys.add_key(premises.engine, "main", PUBLIC, "", key="pk_demo")
    assert keys.find_key(premises.engine, "pk_demo") is None


def test_a_secret_key_can_be_revoked_by_what_the_list_shows(premises: Premises) -> None:
    secret = keys.add_key(premises.engine, "main", SECRET, "leaked")
    (listed,) = keys.list_keys(premises.engine)
    assert keys.revoke_key(premises.engine, listed.key)
    assert keys.find_key(premises.engine, secret) is None
