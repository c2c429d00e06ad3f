# Everything a developer runs. `make` alone prints this file's targets.
SHELL := /bin/bash -o pipefail
PYTHON ?= python3
BIN := .venv/bin
MEMBERS := $(wildcard libs/*) $(wildcard services/*) deploy/local
# uv reads no pip configuration, so a mirror and a certificate set for pip are passed on.
ifneq ($(PIP_INDEX_URL),)
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
ifneq ($(PIP_CERT),)
export SSL_CERT_FILE ?= $(PIP_CERT)
endif

.DEFAULT_GOAL := help
.PHONY: help
help: ## Show this help
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-zA-Z_-]+:.*##/ {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Set up
.PHONY: setup
setup: .venv/.ready ## Virtual environment with pinned dependencies and the workspace

.venv/bin/uv: requirements.uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Headrace needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "This Python has no venv module. On Debian or Ubuntu: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.uv.lock
	@touch $@

.venv/.ready: .venv/bin/uv requirements.lock $(addsuffix /pyproject.toml,$(MEMBERS))
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix -e ,$(MEMBERS))
	@touch $@

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-header --no-annotate

.PHONY: lock
lock: .venv/bin/uv ## Pin the dependencies anew, without addresses
	@$(COMPILE) --group build --group dev pyproject.toml $(addsuffix /pyproject.toml,$(MEMBERS)) \
	  $(foreach m,$(MEMBERS),--no-emit-package $(shell awk -F'"' '/^name/ {print $$2; exit}' $(m)/pyproject.toml)) \
	  -o requirements.lock
	@grep -o '^uv==[0-9.]*' requirements.lock | $(COMPILE) - -o requirements.uv.lock
	@$(COMPILE) tests/kfp/requirements.in -o tests/kfp/requirements.lock
	@$(COMPILE) tests/fuzz/requirements.in -o tests/fuzz/requirements.lock
	@$(COMPILE) --group build tests/notebook/requirements.in libs/dsl/pyproject.toml -o tests/notebook/requirements.lock

##@ Run
.PHONY: demo
demo: setup ## Start Headrace and run the example pipeline
	@$(BIN)/headrace up
	@$(BIN)/python examples/xgboost_training_cm/xgboost_training_cm.py
	@$(BIN)/headrace run submit examples/xgboost_training_cm/xgboost_training_cm.py.yaml --wait
	@echo; echo "Headrace keeps running. Stop it with: $(BIN)/headrace down"

.PHONY: kfp fuzz-setup notebook-setup
kfp: .kfp/.ready ## The real kfp SDK, in an environment of its own
fuzz-setup: .fuzz/.ready
notebook-setup: .notebook/.ready ## What the example notebook runs in, the SDK included

define environment
@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(@D)
@$(BIN)/uv pip install --quiet --python $(@D)/bin/python --require-hashes --compile-bytecode \
  -r $(filter %.lock,$^)
endef

.kfp/.ready .fuzz/.ready: .%/.ready: .venv/.ready tests/%/requirements.lock
	$(environment)
	@touch $@

.notebook/.ready: .venv/.ready tests/notebook/requirements.lock libs/dsl/pyproject.toml
	$(environment)
	@$(BIN)/uv pip install --quiet --python $(@D)/bin/python --no-deps --no-build-isolation -e libs/dsl
	@touch $@

.PHONY: examples
examples: kfp ## Compile the examples anew
	@.kfp/bin/python examples/training/pipeline.py
	@.kfp/bin/python examples/xgboost_training_cm/build_components.py
	@.kfp/bin/python examples/xgboost_training_cm/xgboost_training_v2.py

.PHONY: schema
schema: setup ## JSON schemas and the catalogue of messages, from the contracts
	@$(BIN)/python -m headrace_contracts.schema
	@$(BIN)/python -m headrace_contracts.catalogue

##@ Check
T ?= tests
.PHONY: test
test: setup kfp fuzz-setup notebook-setup ## Run the tests; T=path for some of them
	@$(BIN)/python -m pytest $(T) $(ARGS)

.PHONY: conformance
conformance: setup kfp ## Run the conformance suite; CORPUS=folder for another one, OWN_SDK=1 with its steps, ORACLE=1 for kfp.local
	@$(if $(ORACLE),.kfp/bin/python -W ignore -m tests.conformance.local)
	@$(BIN)/python -m tests.conformance $(if $(OWN_SDK),--own-sdk,$(CORPUS))

.PHONY: mutual
mutual: setup kfp ## Run what kfp and Headrace compile from the same sources, and compare; ARGS=--help
	@$(BIN)/python -m tests.mutual $(ARGS)

.PHONY: fuzz
fuzz: setup fuzz-setup ## Requests made up from the OpenAPI documents; ARGS=--help
	@$(BIN)/python -m tests.fuzz $(ARGS)

.PHONY: bench
bench: setup kfp ## What the platform adds to a step, beside a plain loop; ARGS=--help
	@$(BIN)/python -m tests.bench $(ARGS)

.PHONY: bench-sdk
bench-sdk: setup kfp ## What authoring costs, with kfp and with Headrace; ARGS=--help
	@$(BIN)/python -m tests.bench.sdk $(ARGS)

.PHONY: bench-lists
bench-lists: setup ## How long lists of runs take with 200,000 of them; ARGS=--help
	@$(BIN)/python -m tests.bench.lists $(ARGS)

.PHONY: lint
lint: setup ## Style, layers, SQL and spelling
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo --no-cache > .lint-imports.log || { cat .lint-imports.log; exit 1; }; rm -f .lint-imports.log
	@$(BIN)/squawk --config .squawk.toml --no-error-on-unmatched-pattern $(wildcard services/*/src/*/migrations/*.sql libs/*/src/*/*/migrations/*.sql)
	@$(BIN)/codespell README.md CHANGELOG.md CONTRIBUTING.md docs libs services deploy examples tests \
	  --skip '*.json,*.lock,*.yaml,*.pyc' --ignore-words-list dependant,fpr

.PHONY: types
types: setup ## Static types
	@$(BIN)/mypy libs/*/src services/*/src deploy/local/src

.PHONY: check
check: lint types test ## All that has to pass

.PHONY: clean
clean: ## Remove what the targets made
	rm -rf .venv .kfp .fuzz .notebook .mypy_cache .ruff_cache .pytest_cache .hypothesis
