# netty's daily commands. `make` alone prints them. Each prints one summary line last and exits non-zero when
# something falls short. ARGS=... is passed on.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The newest Python from 3.11 to 3.14 that is here and can make virtual environments; PYTHON=... takes another.
PYTHON ?=
VENV := .venv
PY := $(VENV)/bin/python
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

# What they depend on decides what is done again; each stamp lies in the folder that it speaks of.
PROGRAM := $(VENV)/.netty-program
NATIVE := $(VENV)/.netty-native
TOOLS := $(VENV)/.netty-tools
FUZZER := $(VENV)/.netty-fuzzer
INTEROP := tests/interop/node_modules/.package-lock.json
NODE_PACKAGES := frontend/node_modules/.package-lock.json
PAGES := src/netty/web/static/app.js
PAGE_SOURCES := $(wildcard frontend/*.ts frontend/*.json) \
                $(shell find frontend/src frontend/public -type f 2>/dev/null)

JOBS ?= 2

.PHONY: help demo test check bench bench-hostile test-faults test-native fuzz compare-images setup programs requirements documents wheel clean

help: ## print this list
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' \
	  | while IFS=$$'\t' read -r name text; do printf '  make %-15s %s\n' "$$name" "$$text"; done

demo: $(PROGRAM) $(NATIVE) $(PAGES) ## start two simulated hospitals with netty beside them (ARGS=--exit: fetch all, print the table, end)
	@$(VENV)/bin/netty demo $(ARGS)

test: $(TOOLS) $(PAGES) $(INTEROP) ## set up what the tests need, and run them all (ONLY=tests/ul picks a part; JOBS=n; ARGS for pytest)
	@scripts/test.sh -n $(JOBS) $(if $(ONLY),$(ONLY)) $(ARGS)

check: $(TOOLS) $(NODE_PACKAGES) ## check format, lint and types
	@scripts/node.sh $(PY) && scripts/check.sh

bench: $(TOOLS) ## measure netty beside others, and write docs/performance.md (FULL=1: everything; ONLY=receive; ARGS='--rounds 5 --folder /disk')
	@PYTHONPATH=tests $(PY) -m bench $(addprefix --only ,$(ONLY)) $(if $(FULL),--full) $(ARGS)

bench-hostile: $(TOOLS) ## measure what hostile peers do to netty, DCMTK, Orthanc and pynetdicom (ONLY=netty; ARGS for more)
	@PYTHONPATH=tests $(PY) -m bench.hostile $(if $(ONLY),--only $(ONLY)) $(ARGS)

test-faults: $(TOOLS) $(PAGES) ## run the fault tests in their long form: the database locked for two minutes, 5,000 idle associations
	@FAULTS=long scripts/test.sh -n $(JOBS) $(or $(ONLY),tests/fault) $(ARGS)

test-native: $(TOOLS) ## run the tests of the native parts with sanitizers for addresses and undefined behaviour
	@scripts/sanitize.sh $(PY)

fuzz: $(TOOLS) $(FUZZER) ## fuzz with ever new cases, and say how many each target took (SECONDS=60 for a short run)
	@scripts/fuzz.sh $(if $(filter file command%,$(origin SECONDS)),$(SECONDS),1800)

compare-images: $(TOOLS) ## compare our pictures with DCMTK's and pydicom's, file by file (ARGS='CT MG/' picks some)
	@PYTHONPATH=tests $(PY) -W ignore -m support.compare_images $(ARGS)

setup: $(TOOLS) $(PAGES) ## set up everything for development, without running anything
	@echo "setup: $$($(PY) --version) in $(VENV), the pages in src/netty/web/static"

programs: ## install DCMTK, Orthanc, PostgreSQL and Chromium for the tests, where apt may
	@scripts/programs.sh

requirements: $(TOOLS) ## pin the dependencies again, in requirements/
	@scripts/requirements.sh

documents: $(PROGRAM) ## write docs/*/conformance.md anew from the program's own tables
	@cd $$(mktemp -d) && for lang in en ja; do netty conformance --lang $$lang >$(CURDIR)/docs/$$lang/conformance.md; done
	@echo "documents: docs/en/conformance.md and docs/ja/conformance.md"

wheel: $(TOOLS) $(PAGES) ## build the wheel, with the built pages, in dist/
	@mkdir -p .setup && $(PY) -m build --no-isolation --wheel --outdir dist . >.setup/wheel.log 2>&1 \
	  || { cat .setup/wheel.log; echo "wheel: not built"; exit 1; }
	@echo "wheel: $$(ls -t dist/*.whl | head -n 1)"

clean: ## remove what the other commands made, but not the demo's data
	@rm -rf $(VENV) .setup build dist src/netty/web/static frontend/node_modules tests/interop/node_modules \
	  .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@echo "clean: done"

# --- How things are set up ---------------------------------------------------------------------------------------

$(PY):
	@scripts/venv.sh "$(PYTHON)" $(VENV)

$(PROGRAM): requirements/runtime.txt requirements/build.txt pyproject.toml | $(PY)
	@echo "setup: installing netty and what it needs into $(VENV)"
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements/runtime.txt -r requirements/build.txt
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Optional: the wheel of netty itself needs no compiler.
$(NATIVE): $(wildcard native/src/*) native/pyproject.toml $(PROGRAM)
	@scripts/native.sh $(PY)
	@touch $@

$(TOOLS): requirements/test.txt $(PROGRAM) $(NATIVE)
	@echo "setup: installing what the tests and checks need"
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements/runtime.txt -r requirements/test.txt
	@touch $@

# Optional: it has no wheel for every machine, and `make fuzz` says so and goes on without it.
$(FUZZER): requirements/fuzz.txt $(TOOLS)
	@mkdir -p .setup; $(PY) -m pip install --quiet --disable-pip-version-check --only-binary :all: -r requirements/fuzz.txt \
	  >.setup/fuzzer.log 2>&1 || echo "setup: atheris did not install (.setup/fuzzer.log)"
	@touch $@

$(NODE_PACKAGES): frontend/package.json frontend/package-lock.json frontend/.npmrc requirements/node.txt | $(PY)
	@scripts/node.sh $(PY)
	@echo "setup: installing what the pages are built with"
	@cd frontend && npm ci --silent --no-progress || { echo "setup: npm ci failed in frontend/"; exit 1; }
	@touch $@

# Optional: dcmjs-dimse, an implementation in JavaScript to test against. Without it those tests skip and say so.
$(INTEROP): tests/interop/package.json tests/interop/package-lock.json tests/interop/.npmrc requirements/node.txt | $(PY)
	@mkdir -p $(@D) && scripts/node.sh $(PY) && cd tests/interop \
	  && npm ci --silent --no-progress || echo "setup: npm ci failed in tests/interop; the tests with dcmjs-dimse will skip"
	@mkdir -p $(@D) && touch $@

$(PAGES): $(NODE_PACKAGES) $(PAGE_SOURCES)
	@echo "setup: building the pages' script and styles"
	@scripts/node.sh $(PY) && cd frontend && npm run --silent build -- --logLevel warn
