# The commands of this project: make help
SHELL := /bin/sh
VENV ?= .venv
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	2>/dev/null && echo $$name && break; done)
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PORT ?= 5000
PYTHONS ?= python3.11 python3.12 python3.13

export PATH := $(abspath $(BIN)):$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true
export DVC_NO_ANALYTICS := true
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION := false

.DEFAULT_GOAL := help
.PHONY: help setup reproduce test test-slow test-unit test-pythons lint ui dashboard services bench docs lock clean

help:  ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: $(READY)  ## make the environment in .venv, every package checked by its hash

# uv installs three times faster than pip, which goes on where uv reaches no index: it reads no pip.conf
$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11, 3.12 or 3.13 found; name one with PYTHON=/path/to/python" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.lock
	$(PIP) --require-hashes -r $(VENV)/uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock || \
		$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

reproduce: $(READY)  ## run the quick profile from raw data to report
	$(BIN)/dvc repro report@quick
	@echo "The report: $(abspath reports/quick/report.html)"

test: $(READY)  ## run the tests that CI runs
	$(BIN)/python -m pytest

test-slow: $(READY)  ## run the slow proofs
	$(BIN)/python -m pytest -m slow

test-unit: $(READY)  ## run the unit tests alone
	$(BIN)/python -m pytest tests/unit

test-pythons:  ## run them by each Python that is here (PYTHONS="/path/to/python ...")
	@for python in $(PYTHONS); do \
		version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || \
			{ echo "$$python: is not here, skipped"; continue; }; \
		echo "Python $$version:"; \
		$(MAKE) --no-print-directory test-unit VENV=$(VENV)-$$version PYTHON=$$python || \
			failed="$$failed $$version"; \
	done; \
	test -z "$$failed" || { echo "make: failed by Python$$failed" >&2; exit 1; }

lint: $(READY)  ## check format, style, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

ui: $(READY)  ## browse every run in MLflow, on this machine only (PORT=5000)
	@echo "The runs: http://127.0.0.1:$(PORT)/#/experiments?workflowType=machine_learning"
	$(BIN)/mlflow server --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1 --port $(PORT)

dashboard: $(READY)  ## browse the searches in optuna-dashboard, on this machine only (PORT=5000)
	$(BIN)/optuna-dashboard sqlite:///optuna.db --host 127.0.0.1 --port $(PORT)

services: $(READY)  ## try what a team runs on this machine: MLflow on PostgreSQL, with passwords
	$(BIN)/python tests/team/services.py build/services

bench: $(READY)  ## run the benchmarks
	$(BIN)/python -m pytest tests/benchmarks -m bench --numprocesses=0 -s

docs: $(READY)  ## build the documentation into build/docs; it needs no network
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -d build/doctrees docs build/docs
	@echo "The documentation: $(abspath build/docs/index.html)"

lock: $(READY)  ## make requirements.lock fit pyproject.toml (UPGRADE=--upgrade: the newest of all)
	$(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --extra dev --extra docs \
		--no-header --no-emit-index-url $(UPGRADE) pyproject.toml --output-file requirements.lock

clean:  ## remove what tools made; results, store and runs stay
	rm -rf build .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
