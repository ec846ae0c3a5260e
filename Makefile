# `make help` explains. Everything lives in this folder: .venv (packages), .build (pages), .data (database, files).
SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
PYTHON ?= python3
BIN := .venv/bin
CLI := $(BIN)/python -m chatbot_saas.cli
export PYTHONUNBUFFERED := 1
# a start compiles nothing twice
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## this text
	@echo "make <what>:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-10s %s\n", $$1, $$2 }'

.PHONY: run dev worker admin doctor setup
run: .venv/.runtime ## start everything on http://localhost:3000 (PORT changes it)
	@exec $(CLI) run

dev: .venv/.runtime ## the same, reloading after each edit
	@exec $(CLI) dev

worker: .venv/.runtime ## a separate job worker (needs DATABASE_URL and CHROMA_URL)
	@exec $(CLI) worker

admin: .venv/.runtime ## make a platform administrator
	@exec $(CLI) admin

doctor: .venv/.runtime ## look for what is wrong with this installation
	@exec $(CLI) doctor

setup: .venv/.runtime ## fetch and build what a first start needs, and start nothing
	@exec $(CLI) setup

.PHONY: test soak bench check format client lock clean
test: .venv/.dev ## set up what the tests need and run every test (ARGS="-k words" picks)
	@exec $(CLI) test $(ARGS)

soak: .venv/.dev ## the long tests
	@exec $(CLI) test --soak $(ARGS)

bench: .venv/.dev ## measure chat and reading of files beside their floor; wants a quiet machine
	@$(BIN)/python -m benchmarks.chat; $(BIN)/python -m benchmarks.ingest

check: .venv/.dev ## format, lint, types, layers, pinned requirements, the client
	@$(BIN)/ruff format --check --quiet . || { echo "make format mends this"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@PATH="$$PWD/$(BIN):$$PATH" $(BIN)/pyright
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(CLI) lock --check
	@$(CLI) client --check

format: .venv/.dev ## format the code and mend what the linter can
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix .

client: .venv/.dev ## write the Python client from the API's OpenAPI document
	@exec $(CLI) client

lock: .venv/.dev ## write requirements.txt and requirements-dev.txt from pyproject.toml
	@exec $(CLI) lock

clean: ## remove what was built; the data in .data stays
	@rm -rf .venv .build .web .states .pytest_cache .ruff_cache .import_linter_cache .coverage* htmlcov

# A stamp is newer than what it was made from, so a second start asks no network. The packages of the tests include
# those of the product; once they are there they are kept up instead.
.venv/.runtime: requirements.txt
	@if [ -e .venv/.dev ]; then touch -d @0 .venv/.dev 2>/dev/null || rm -f .venv/.dev; $(MAKE) .venv/.dev; \
	else sh .ci/install requirements.txt "$(PYTHON)"; fi
	@touch $@

.venv/.dev: requirements-dev.txt
	@sh .ci/install requirements-dev.txt "$(PYTHON)"
	@touch .venv/.runtime $@
