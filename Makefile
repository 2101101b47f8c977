.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench lock
PYTHON ?= python3
BIN := .venv/bin

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*##  *\(.*\)/\1\t\2/p' Makefile | expand -t 8

setup: .venv/ready  ## make .venv with the pinned versions
.venv/ready: pyproject.toml constraints.txt
	@echo "setting up .venv (first time: about a minute) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: setup  ## everything simulated: no account, no network service
	@$(BIN)/deskwatch demo

test: setup  ## the whole test suite
	$(BIN)/pytest

check: setup  ## format, lint, types, imports, layout
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/architecture

bench: setup  ## the figures, measured here and now (about five minutes)
	$(BIN)/python -m bench.feed
	$(BIN)/python -m bench.ingest

lock:  ## upgrade everything, then pin what came
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade --upgrade-strategy eager --editable '.[dev]'
	$(BIN)/pip freeze --exclude-editable > constraints.txt
