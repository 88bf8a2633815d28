"""Stored events against other rules: what would have been said, to whom, and what it would have cost.

``sieve`` finds the visitors that no rule could touch, ``sides`` are the two rule sets with a rehearsal each, ``run``
reads the events once for both, ``report`` is what came of it.
"""
