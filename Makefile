# SPDX-License-Identifier: Apache-2.0
# `make` lists the targets. Each target sets up what it needs (.venv, from PyPI) by itself.

SHELL  := /bin/bash
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
SETUP  := $(VENV)/.stamp
# Two workers: most of the time goes into single-threaded simulator builds.
JOBS   ?= 2
PRESET ?= quick
PYTEST  = $(if $(T),TESTCASE='$(T)') $(PY) -m pytest -q
UNIT    = $(if $(findstring /,$(M)),$(M),tb/unit/$(M))

# Paths that the tools cannot take are refused here, for all targets; so is a stamp of an environment
# that moved or lost its Python. (An empty stamp is of before they said where they are.)
SAFE := $(shell sed -n 's/^SAFE = "\(.*\)"$$/\1/p' host/sat/toolchain.py)
ifneq ($(shell LC_ALL=C; case "$$(pwd -P)" in (*[!$(SAFE)]*) echo bad ;; esac),)
  $(error SAT cannot be built in $(CURDIR): of a path, make, Verilator and linker take $(SAFE) only)
endif
$(shell cd $(VENV) 2> /dev/null && { test -x bin/python && { test ! -s .stamp || \
  test "$$(cat .stamp)" = "$$(pwd -P)"; } || rm -f .stamp; })

unexport PYTHONHOME
export PYTHONPATH := $(CURDIR):$(CURDIR)/golden:$(CURDIR)/host:$(CURDIR)/examples

.DEFAULT_GOAL := help
.PHONY: help setup test slow quick regress cov formal demo demo-cnn bench lint format generate docs golden host unit \
        top package synth mutation clean distclean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(SETUP)  ## virtual environment with the pinned packages

$(SETUP): requirements.txt
	@command -v "$(firstword $(PYTHON))" > /dev/null \
	  || { echo "PYTHON=$(PYTHON): no such program"; exit 1; }
	@case $$($(PYTHON) -c 'import sys; print(sys.version_info >= (3, 10))' 2> /dev/null) in \
	  (True) ;; \
	  (False) echo "$(PYTHON) is older than 3.10: give another one with PYTHON=..."; exit 1 ;; \
	  (*) echo "PYTHON=$(PYTHON): is no Python that works"; exit 1 ;; esac
	@$(PYTHON) scripts/environment.py $(VENV)

test: $(SETUP)  ## every test but the slow ones: lint, golden model, host, benches, proofs, top level
	$(PYTEST) -n $(JOBS) --dist worksteal -m "not slow" --durations 15

slow: $(SETUP)  ## the tests marked slow: minutes each
	$(PYTEST) -n $(JOBS) --dist worksteal -m slow --durations 15

quick: $(SETUP)  ## the tests marked quick
	$(PYTEST) -n $(JOBS) --dist worksteal -m "quick and not slow"

regress: $(SETUP)  ## tests x seeds x configurations: PRESET=quick, small, full, night; ARGS="..."
	$(PY) -m tb.regress run --preset $(PRESET) $(ARGS)

cov: $(SETUP)  ## coverage of the last regression that measured it: build/cov/summary.json
	$(PY) -m tb.regress cov --preset $(PRESET) $(ARGS)

demo: $(SETUP)  ## train on handwritten digits in RTL simulation; options in ARGS="..."
	$(PY) -m sat demo $(ARGS)

demo-cnn: $(SETUP)  ## the same with a residual network; options in ARGS="..."
	$(PY) -m sat demo-cnn $(ARGS)

bench: $(SETUP)  ## cycles, utilization and speed-up: build/bench.json; options in ARGS="..."
	$(PY) -m sat bench $(ARGS)

lint: $(SETUP)  ## Verilator, Verible, Icarus, Yosys, house rules, flake8, isort
	$(PY) scripts/lint.py

format: $(SETUP)  ## advice: what the Verible formatter would change; sorts Python imports
	$(PY) -m isort -q .
	-$(VENV)/bin/verible-verilog-format --verify --column_limit=100 $$(cat rtl/sat.f)

generate: $(SETUP)  ## constants and docs/reference/registers.md from spec/
	$(PY) scripts/generate.py

docs: $(SETUP)  ## the site: build/site/index.html (Python 3.11 or newer)
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build -q

formal: $(SETUP)  ## proofs: control, DMAs, write addresses, leaf cells, selection networks
	$(PY) -m tb.formal.prove

mutation: $(SETUP)  ## mutants that the benches kill: build/mutation.json; modules, options in ARGS="..."
	$(PY) -m tb.mutation $(ARGS)

golden: $(SETUP)  ## self-tests of the golden model
	$(PYTEST) -n $(JOBS) golden/tests

host: $(SETUP)  ## tests of the Python host layer and of the examples
	$(PYTEST) host/tests examples/tests

unit: $(SETUP)  ## benches: M=module or test file, T=test name (regex), SEED=n, WAVES=1, SIM=icarus
	$(PYTEST) $(if $(M),-s '$(UNIT)',-n $(JOBS) tb/unit)

top: $(SETUP)  ## top-level random programs against the golden command model
	$(PYTEST) -n $(JOBS) tb/top

package: $(SETUP)  ## the Vivado IP, without Vivado: build/package/ and a zip (docs/guide/packaging.md)
	$(PY) scripts/package_ip.py

synth: $(SETUP)  ## area and clock: build/synth.json (docs/design/synthesis.md); options in ARGS="..."
	$(PY) scripts/synth.py $(ARGS)

clean:  ## remove build/
	rm -rf build

distclean: clean  ## remove build/ and .venv
	rm -rf $(VENV)
