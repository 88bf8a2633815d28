"""A shop in memory, on a clock of its own: rule tests and replay run events through the very code that runs live.

``books`` keep in memory what the database keeps, ``house`` takes events and lets time pass. For rule tests there is
besides the ``browser`` of a shopper, the ``script`` that a test file tells (its ``words``), the ``stage`` on which it
is played, and ``mutate``, which asks whether the tests would notice if a clause were missing.
"""
