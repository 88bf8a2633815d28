"""SQL: the truth. What a 202 promised, what is due, what was decided, what was sent.

``models`` are the tables, ``database`` opens SQLite or PostgreSQL the same way, ``migrate`` brings a database up to
date, ``ingest`` loads and writes what the pipeline works on, ``deliveries`` and ``timers`` claim what is due, ``reads``
answers questions.
"""
