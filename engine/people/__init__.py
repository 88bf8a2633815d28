"""People: somebody with an address, to whom one or more visitors were linked."""

from engine.people.merging import merge
from engine.people.person import MAX_DEVICES, Basis, Device, Person, UnderWay, remember_contact
from engine.people.profile import ABOUT_PERSON, Profile, bring, join, noted

__all__ = [
    "ABOUT_PERSON",
    "MAX_DEVICES",
    "Basis",
    "Device",
    "Person",
    "Profile",
    "UnderWay",
    "bring",
    "join",
    "merge",
    "noted",
    "remember_contact",
]
