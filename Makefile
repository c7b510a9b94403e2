# make run       the demonstration: two simulated carriers and the gateway, until Ctrl-C
# make test      ruff, mypy and the whole suite
# make install   .venv/bin/gateway and .venv/bin/simulator, nothing else
# make dev       what tests, linters and benchmarks need, too
# make lint      ruff and mypy
# make format    ruff, changing what it can
# make bench     all benchmarks, beside the last that were kept (QUICK=1: minutes; KEEP=NAME keeps them)
# make compiled  the hot modules by mypyc, where there is a C compiler; the gateway uses them while they fit
# make test-compiled   the tests of what is compiled, on it
# make docs      the documents and schemas that are made from the code
# make lock      requirements/ anew from pyproject.toml (needs uv)
# make clean     .venv, caches and builds away; state/ stays

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WHEEL := $(wildcard tools/pip-*.whl)
# pip runs from its own wheel, so that a Python without ensurepip is enough.
PIP := $(BIN)/python $(WHEEL)/pip --disable-pip-version-check --no-input
LOCKED := $(PIP) install --quiet --require-hashes --only-binary :all:
PROJECT := $(PIP) install --quiet --no-deps --no-build-isolation --editable .
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra build

# Much of the suite waits for processes: one worker more than cores. WORKERS=0 is one process.
WORKERS ?= $(shell echo $$(($$(nproc) + 1)))
SIDE_BY_SIDE := --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

COMPILED_TESTS := tests/smpp tests/filters tests/routing tests/relay

.DEFAULT_GOAL := help
.PHONY: help install dev run test lint format bench compiled test-compiled docs lock clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' $(firstword $(MAKEFILE_LIST))

install: $(VENV)/.installed

dev: $(VENV)/.developing

run: install
	@$(BIN)/gateway demo --config config

test: lint
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

lint: dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy benchmarks

format: dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: dev
	$(BIN)/python benchmarks/all.py $(if $(QUICK),--quick) $(if $(KEEP),--keep $(KEEP))

compiled: dev
	GATEWAY_COMPILED=off $(BIN)/python tools/compile.py

test-compiled: compiled
	GATEWAY_COMPILED=must $(BIN)/python -m pytest -m "not uncompiled" $(SIDE_BY_SIDE) $(COMPILED_TESTS)

docs: dev
	$(BIN)/python -m gateway.settings.document docs
	$(BIN)/python -m gateway.filters.document docs
	$(BIN)/python -m gateway.smpp.document docs

lock:
	$(COMPILE) pyproject.toml --output-file requirements/run.txt
	$(COMPILE) --extra dev --constraint requirements/run.txt pyproject.toml --output-file requirements/dev.txt

clean:
	rm -rf $(VENV) build dist gateway/_compiled .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made: tools/pip.sha256
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) must be Python 3.11 or newer; name another by make PYTHON=..."; exit 1; }
	@echo "setting up $(VENV): half a minute, once"
	@cd tools && sha256sum --quiet --check pip.sha256
	@$(PYTHON) -m venv --without-pip $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made requirements/run.txt pyproject.toml
	@$(LOCKED) --requirement requirements/run.txt
	@$(PROJECT)
	@touch $@

$(VENV)/.developing: $(VENV)/.installed requirements/dev.txt
	@$(LOCKED) --requirement requirements/dev.txt
	@touch $@
