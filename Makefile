# Everything here works on a machine that has Python 3.11 or later, git and make, and nothing else.
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
ifeq ($(strip $(PYTHON)),)
PYTHON := python3
endif

.PHONY: help setup run test bench lock

help: ## say what can be made
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile

setup: ## make .venv with what running needs
	@$(PYTHON) scripts/setup.py run

run: setup ## start everything in this terminal
	@.venv/bin/shopbell up

test: ## run every check and every test
	@$(PYTHON) scripts/setup.py test
	@.venv/bin/python scripts/test.py

bench: ## measure what asking rules costs, how fast events and webhooks are taken, and how soon all goes on after a death
	@$(PYTHON) scripts/setup.py bench
	@.venv/bin/python -m benchmarks.rules
	@.venv/bin/python -m benchmarks.ingest
	@.venv/bin/python -m benchmarks.ingest --postgresql
	@.venv/bin/python -m benchmarks.hooks
	@.venv/bin/python -m benchmarks.lookups
	@.venv/bin/python -m benchmarks.recovery

lock: ## write requirements/*.txt anew from pyproject.toml
	@$(PYTHON) scripts/setup.py test
	@.venv/bin/python scripts/lock.py
