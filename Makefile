# `make help` lists the targets. The environment is created from requirements-run.lock for running, and from
# requirements.lock for everything else, whenever these files have changed.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
BIN := .venv/bin
RUNS := .venv/runs-$(shell cksum requirements-run.lock pyproject.toml | cksum | cut -d ' ' -f 1)
INSTALLED := .venv/installed-$(shell cksum requirements.lock pyproject.toml | cksum | cut -d ' ' -f 1)
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check
COMPILE := uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header
MINUTES ?= 30
PROCESSES ?= 2

.PHONY: run
run: $(if $(wildcard $(INSTALLED)),,$(RUNS)) ## Start everything, run the demo, show events as they happen; Ctrl-C stops it and keeps the data
	@exec $(BIN)/penchant up

.PHONY: test
test: $(INSTALLED) ## Run all tests in PROCESSES (default 2), each with a Kafka and a PostgreSQL of its own
	$(BIN)/pytest --numprocesses $(PROCESSES) $(TESTS)

.PHONY: check
check: $(INSTALLED) ## Check style, types, and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

.PHONY: format
format: $(INSTALLED) ## Format the source
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(INSTALLED) ## Measure, print a table, and write .bench/results.json
	$(BIN)/python -m tests.bench

.PHONY: soak
soak: $(INSTALLED) ## Repeat the fault tests for MINUTES (default 30), or until one fails
	@end=$$(( $$(date +%s) + 60 * $(MINUTES) )); rounds=0; \
	while [ $$(date +%s) -lt $$end ]; do \
		$(BIN)/pytest -m fault --maxfail 1 || exit 1; \
		rounds=$$(( rounds + 1 )); echo "Soak: $$rounds rounds passed"; \
	done

.PHONY: pictures
pictures: $(INSTALLED) ## Play the demo, and take the pictures of README and documentation
	$(BIN)/python -m tests.browser.screenshots

.PHONY: docs
docs: $(INSTALLED) ## Generate the documents that derive from the code, and build the site in .site
	$(BIN)/python -m deploy.documents
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

.PHONY: lock
lock: $(INSTALLED) ## Update the pinned dependencies of pyproject.toml and of the image, with hashes (needs uv)
	$(COMPILE) --extra dev --extra embedded pyproject.toml --output-file requirements.lock
	$(COMPILE) --extra build --extra embedded --constraint requirements.lock pyproject.toml --output-file requirements-run.lock
	$(COMPILE) --constraint requirements.lock pyproject.toml --output-file deploy/images/requirements.lock
	$(COMPILE) --constraint requirements.lock deploy/images/build.in --output-file deploy/images/build.lock

.PHONY: clean
clean: ## Remove the environment, the data of `make run` and all caches, after asking
	@if [ -e .penchant/lock ] && ! $(PYTHON) -c 'import fcntl; fcntl.flock(open(".penchant/lock"), fcntl.LOCK_SH | fcntl.LOCK_NB)' 2>/dev/null; then \
		echo "A stack uses .penchant: .venv/bin/penchant down stops it."; exit 1; fi
	@read -r -p "Remove .venv, the data in .penchant, and caches? [y/N] " answer && [ "$$answer" = y ] \
		|| { echo "Nothing was removed."; exit 1; }
	rm -rf .venv .penchant .bench .site .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help: ## Print this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F '\t' '{printf "  make %-8s %s\n", $$1, $$2}'

.PHONY: python
python:
	@[ -n "$(PYTHON)" ] && $(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' \
		|| { echo "Python 3.11 or 3.12 is needed; PYTHON=/path/to/it names one."; exit 1; }

$(RUNS): requirements-run.lock pyproject.toml | python
	@rm -f .venv/runs-* .venv/installed-*
	$(PYTHON) -m venv .venv
	$(INSTALL) --require-hashes --requirement requirements-run.lock
	$(INSTALL) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(INSTALLED): requirements.lock pyproject.toml | python
	@rm -f .venv/installed-*
	$(PYTHON) -m venv .venv
	$(INSTALL) --require-hashes --requirement requirements.lock
	$(INSTALL) --quiet --no-deps --no-build-isolation --editable .
	@touch $@
