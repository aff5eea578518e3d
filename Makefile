# `make` lists what there is to do. Only Python 3.11 or newer and make are needed.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:

# The newest suitable Python on PATH; PYTHON=/path/to/python3 chooses another.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
  "$$p" -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && { echo $$p; exit; }; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
ARGS ?=

.PHONY: help install serve demo test test-system check fix bench docs site sdk lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

install: $(VENV)/.installed ## set everything up in .venv, which then holds bin/devmesh

serve: install ## set everything up and serve on 127.0.0.1:8081 (options: ARGS="--port 9000")
	@exec $(BIN)/devmesh serve $(ARGS)

demo: install ## walk through it all against a stand-in for GitHub, in half a minute
	@exec $(BIN)/devmesh demo $(ARGS)

test: $(VENV)/.installed-dev ## set everything up and run the tests (options: ARGS="tests/keys -x")
	@$(BIN)/python -m pytest -n 2 --dist worksteal --ignore=tests/system $(ARGS)

test-system: $(VENV)/.installed-dev ## run the tests that need Debian packages (see .ci/run)
	@$(BIN)/python -m pytest tests/system $(ARGS)

check: $(VENV)/.installed-dev ## run the linters, the type checker, the room order and the contract tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/contract

fix: $(VENV)/.installed-dev ## mend what the formatter and the linter can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.installed-dev ## measure, and print the ratios
	@$(BIN)/python bench/run.py $(ARGS)

docs: $(VENV)/.installed-dev ## write the generated tables of docs/reference
	@$(BIN)/python docs/generate.py

site: $(VENV)/.installed-site ## build the pages as a static site: build/site/index.html
	@$(BIN)/python docs/site/build.py build/site
	@echo "The site is at file://$(CURDIR)/build/site/index.html"

sdk: $(VENV)/.installed-dev ## write what the SDKs hold of the OpenAPI document
	@mkdir -p build
	@$(BIN)/python sdk/openapi.py > build/openapi.json
	@$(BIN)/python sdk/python/generate.py < build/openapi.json
	@$(BIN)/python sdk/typescript/make.py types < build/openapi.json

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --no-annotate --no-header
lock: $(VENV)/.installed-dev ## pin the dependencies anew (ARGS=--upgrade for newer ones)
	@$(LOCK) $(ARGS) pyproject.toml -o requirements.lock
	@$(LOCK) $(ARGS) --all-extras -c requirements.lock pyproject.toml -o requirements-extras.lock
	@$(LOCK) $(ARGS) --group build -o requirements-build.lock
	@$(LOCK) $(ARGS) --group dev --all-extras -c requirements.lock pyproject.toml -o requirements-dev.lock
	@$(LOCK) $(ARGS) --group site -c requirements-dev.lock -o requirements-site.lock

clean: ## remove the virtual environment
	@rm -rf $(VENV)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 was not found on PATH: install one, or name it with 'make PYTHON=/path/to/python3'." >&2; exit 1; }
	@command -v $(PYTHON) >/dev/null || { echo "There is no program $(PYTHON): name Python 3.11, 3.12 or 3.13 with 'make PYTHON=/path/to/python3', or leave it out." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments: install its venv module (Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

# Packages are installed in place, so a pulled change is served without another installation. What
# builds them lies beside the environment, pinned as well: nothing is fetched that no lock names.
in_place = rm -rf $(VENV)/build && \
  $(PIP) install --require-hashes --only-binary :all: --target $(VENV)/build -r requirements-build.lock && \
  PYTHONPATH="$(CURDIR)/$(VENV)/build" $(PIP) install --no-deps --no-build-isolation --editable $(1) && \
  rm -rf $(VENV)/build
$(VENV)/.installed: pyproject.toml requirements-extras.lock requirements-build.lock | $(BIN)/python
	@echo "installing the pinned dependencies"
	@$(PIP) install --require-hashes --only-binary :all: -r requirements-extras.lock
	@$(call in_place,.)
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock sdk/python/pyproject.toml
	@echo "installing what tests and checks need"
	@$(PIP) install --require-hashes --only-binary :all: -r requirements-dev.lock
	@$(call in_place,./sdk/python)
	@touch $@

$(VENV)/.installed-site: requirements-site.lock | $(BIN)/python
	@echo "installing what builds the site"
	@$(PIP) install --require-hashes --only-binary :all: -r requirements-site.lock
	@touch $@
