"""People: somebody with an address, to whom one or more visitors were linked."""

from engine.people.merging import merge, merge_accounts
from engine.people.person import MAX_DEVICES, MAX_FORMER_IDS, Basis, Device, Person, UnderWay, remember_contact
from engine.people.profile import ABOUT_PERSON, Profile, bring, join, noted

__all__ = [
    "ABOUT_PERSON",
    "MAX_DEVICES",
    "MAX_FORMER_IDS",
    "Basis",
    "Device",
    "Person",
    "Profile",
    "UnderWay",
    "bring",
    "join",
    "merge",
    "merge_accounts",
    "noted",
    "remember_contact",
]
