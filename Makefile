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
	  /^[a-z0-9-]+:.*##/ {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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
lock: .venv/bin/uv ## Pin all dependencies, without addresses of registries
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
fuzz-setup: .fuzz/.ready ## Schemathesis, in an environment of its own
notebook-setup: .notebook/.ready ## What the example notebook needs, in an environment of its own

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
examples: kfp ## Compile the examples
	@.kfp/bin/python examples/training/pipeline.py
	@.kfp/bin/python examples/xgboost_training_cm/build_components.py
	@.kfp/bin/python examples/xgboost_training_cm/xgboost_training_v2.py

.PHONY: schema
schema: setup ## Write the JSON schemas and the message catalogue from the contracts
	@$(BIN)/python -m headrace_contracts.schema
	@$(BIN)/python -m headrace_contracts.catalogue

##@ Check
.PHONY: fmt
fmt: setup ## Format and fix what the linters can fix
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format .

.PHONY: lint
lint: setup ## Style, import layers, SQL and spelling
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@report=$$($(BIN)/lint-imports --no-logo --no-cache) || { echo "$$report"; exit 1; }
	@$(BIN)/squawk --config .squawk.toml $$(git ls-files '*/migrations/*.sql')
	@$(BIN)/codespell README.md CHANGELOG.md CONTRIBUTING.md docs libs services deploy examples tests

.PHONY: types
types: setup ## Static types
	@$(BIN)/mypy libs/*/src services/*/src deploy/local/src

T ?= tests
# The folders of T that need more than .venv, and what each needs; a folder above needs it too.
touches = $(strip $(foreach t,$(patsubst %/,%,$(T)),$(foreach f,$(1),$(filter $(f) $(f)/% $(f)::%,$(t)) $(filter $(t)/%,$(f)))))
NEEDS := $(if $(call touches,tests/conformance tests/contract/ui_gateway tests/differential tests/e2e tests/mutual),kfp) \
  $(if $(call touches,tests/e2e/rest),fuzz-setup) $(if $(call touches,tests/e2e/examples),notebook-setup)
# Whole suites run in parallel; two workers suit two cores, since half of a test is waiting.
WORKERS ?= $(if $(filter tests tests/ tests/unit tests/integration tests/e2e,$(T)),2,0)

.PHONY: test test-unit test-integration test-e2e
test: setup $(NEEDS) ## Run the tests; T=folder or file, ARGS=options of pytest, WORKERS=processes
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(T) $(ARGS)

test-unit: ## Run the tests that need no server: unit, property, simulation, contract and house
	@$(MAKE) --no-print-directory test T="tests/unit tests/property tests/simulation tests/contract tests/house"

test-integration: ## Run the tests of one service on real servers
	@$(MAKE) --no-print-directory test T=tests/integration

test-e2e: ## Run the tests of a whole deployment
	@$(MAKE) --no-print-directory test T="tests/e2e tests/conformance tests/mutual" WORKERS=2

.PHONY: check
check: lint types test ## All that has to pass, and what continuous integration runs

##@ Suites and benchmarks
.PHONY: conformance
conformance: setup kfp ## Run the conformance suite; CORPUS=folder, OWN_SDK=1, or ORACLE=1 for kfp.local
	@$(if $(ORACLE),.kfp/bin/python -W ignore -m tests.conformance.local)
	@$(BIN)/python -m tests.conformance $(if $(OWN_SDK),--own-sdk,$(CORPUS))

.PHONY: mutual
mutual: setup kfp ## Compare the results of what kfp and Headrace compile; ARGS=--help
	@$(BIN)/python -m tests.mutual $(ARGS)

.PHONY: fuzz
fuzz: setup fuzz-setup ## Send generated requests to both APIs; ARGS=--help
	@$(BIN)/python -m tests.fuzz $(ARGS)

SEEDS ?= 0-999
.PHONY: simulate
simulate: setup ## Simulate the services under faults; SEEDS=a seed or FIRST-LAST, ARGS=--help
	@$(BIN)/python -m tests.simulation $(SEEDS) $(ARGS)

.PHONY: signals
signals: setup ## Send each signal to each process of a deployment
	@ALL_SIGNALS=1 $(BIN)/python -m pytest tests/e2e/deployment/test_signals.py $(ARGS)

SECONDS ?= 180
SEED ?=
.PHONY: chaos
chaos: setup ## Break a deployment at random and check its promises; SECONDS=, SEED=, ARGS=--help
	@$(BIN)/python -m tests.chaos --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: bench
bench: setup kfp ## Measure the overhead of a step against a plain loop; ARGS=--help
	@$(BIN)/python -m tests.bench $(ARGS)

.PHONY: bench-sdk
bench-sdk: setup kfp ## Measure authoring with kfp and with Headrace; ARGS=--help
	@$(BIN)/python -m tests.bench.sdk $(ARGS)

.PHONY: bench-lists
bench-lists: setup ## Measure lists of 200,000 runs; ARGS=--help
	@$(BIN)/python -m tests.bench.lists $(ARGS)

##@ Clean up
.PHONY: clean
clean: ## Remove environments and caches
	rm -rf .venv .kfp .fuzz .notebook .mypy_cache .ruff_cache .pytest_cache .hypothesis
