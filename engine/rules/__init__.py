"""Rules: what a marketer wrote, and what it says about a visitor now.

``source`` and ``loader`` read the file, ``conditions`` holds one class a condition, ``model`` and ``shop`` are the
result, ``facts`` is what may be looked at, ``verdicts`` is what comes out, ``evaluate`` turns it into decisions.
"""
