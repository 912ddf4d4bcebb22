# SPDX-License-Identifier: Apache-2.0
# `make` lists the targets. Each target sets up what it needs (.venv, from PyPI) by itself.

SHELL  := /bin/bash
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
SAT    := $(VENV)/bin/sat
SETUP  := $(VENV)/.stamp
DEMO   := $(VENV)/.demo
# Two workers: most of the time goes into single-threaded simulator builds.
JOBS   ?= 2
PRESET ?= quick
PYTEST  = $(if $(T),TESTCASE='$(T)') $(PY) -m pytest -q
UNIT    = $(if $(findstring /,$(M)),$(M),tb/unit/$(M))

# Paths that the tools cannot take are refused here, for all targets. So are stamps of an environment
# that moved or lost its Python (they say where it was), or whose checkout is gone, and the environment
# of another checkout: it would run the code of that one.
SAFE := $(shell sed -n 's/^SAFE = "\(.*\)"$$/\1/p' host/sat/toolchain.py)
ifneq ($(shell LC_ALL=C; case "$$(pwd -P)" in (*[!$(SAFE)]*) echo bad ;; esac),)
  $(error SAT cannot be built in $(CURDIR): of a path, make, Verilator and linker take $(SAFE) only)
endif
$(shell cd $(VENV) 2> /dev/null && for stamp in .stamp .demo; do test -x bin/python && \
  test "$$(cat $$stamp)" = "$$(pwd -P)" && test -d "$$(cat .checkout)" || rm -f $$stamp; done 2> /dev/null)
OWNER := $(shell owner=$$(cat $(VENV)/.checkout 2> /dev/null) && test -d "$$owner" && echo "$$owner")
ifneq ($(filter-out $(shell pwd -P),$(OWNER)),)
  ifndef PYTHONPATH  # who says which code to run may share an environment
    $(error $(VENV) belongs to the checkout $(OWNER): name another one with VENV=...)
  endif
else
  unexport PYTHONPATH
endif
unexport PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help setup test slow quick regress cov formal demo demo-cnn bench lint format generate lock docs golden host unit \
        top package synth mutation clean distclean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(SETUP)  ## virtual environment with this checkout and the pinned packages

$(DEMO): WHAT := demo
$(DEMO) $(SETUP): requirements.txt setup.cfg setup.py
	@command -v "$(firstword $(PYTHON))" > /dev/null \
	  || { echo "PYTHON=$(PYTHON): no such program"; exit 1; }
	@case $$($(PYTHON) -c 'import sys; print(sys.version_info >= (3, 10))' 2> /dev/null) in \
	  (True) ;; \
	  (False) echo "$(PYTHON) is older than 3.10: give another one with PYTHON=..."; exit 1 ;; \
	  (*) echo "PYTHON=$(PYTHON): is no Python that works"; exit 1 ;; esac
	@$(PYTHON) scripts/environment.py $(VENV) $(WHAT)

test: $(SETUP)  ## every test but the slow ones: lint, golden model, host, benches, proofs, top level
	$(PYTEST) -n $(JOBS) --dist worksteal -m "not slow" --durations 15

slow: $(SETUP)  ## the tests marked slow: minutes each
	$(PYTEST) -n $(JOBS) --dist worksteal -m slow --durations 15

quick: $(SETUP)  ## the tests marked quick
	$(PYTEST) -n $(JOBS) --dist worksteal -m "quick and not slow"

regress: $(SETUP)  ## tests x seeds x configurations: PRESET=quick, small, full, night; ARGS="..."
	$(SAT) regress run --preset $(PRESET) $(ARGS)

cov: $(SETUP)  ## coverage of the last regression that measured it: build/cov/summary.json
	$(SAT) cov --preset $(PRESET) $(ARGS)

demo: $(DEMO)  ## train on handwritten digits in RTL simulation; options in ARGS="..."
	$(SAT) demo $(ARGS)

demo-cnn: $(DEMO)  ## the same with a residual network; options in ARGS="..."
	$(SAT) demo-cnn $(ARGS)

bench: $(DEMO)  ## cycles, utilization and speed-up: build/bench.json; options in ARGS="..."
	$(SAT) bench $(ARGS)

model: $(DEMO)  ## the cycle model beside the RTL: build/model.json; options in ARGS="..."
	$(PY) -m tb.top.cycle_model $(ARGS)

lint: $(SETUP)  ## Verilator, Verible, Icarus, Yosys, house rules, flake8, isort, mypy
	$(PY) scripts/lint.py

format: $(SETUP)  ## advice: what the Verible formatter would change; sorts Python imports
	$(PY) -m isort -q .
	-$(VENV)/bin/verible-verilog-format --verify --column_limit=100 $$(cat rtl/sat.f)

generate: $(SETUP)  ## constants and docs/reference/registers.md from spec/
	$(PY) scripts/generate.py

docs: $(SETUP)  ## the site: build/site/index.html (Python 3.11 or newer)
	$(PY) -m scripts.docs.notebooks
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build -q

lock:  ## requirements.txt from setup.cfg; needs uv. What it pins already stays: delete lines to renew
	uv pip compile --quiet --universal --python-version 3.10 setup.cfg --all-extras --no-emit-index-url \
	  --annotation-style line --custom-compile-command "make lock" --output-file requirements.txt

formal: $(SETUP)  ## proofs: control, DMAs, write addresses, leaf cells, selection networks
	$(SAT) formal $(ARGS)

mutation: $(SETUP)  ## mutants that the benches kill: build/mutation.json; modules, options in ARGS="..."
	$(SAT) mutation $(ARGS)

golden: $(SETUP)  ## self-tests of the golden model
	$(PYTEST) -n $(JOBS) golden/tests

host: $(SETUP)  ## tests of the Python host layer, the examples and the lab
	$(PYTEST) host/tests examples/tests lab/tests

unit: $(SETUP)  ## benches: M=module or test file, T=test name (regex), SEED=n, WAVES=1, SIM=icarus
	$(PYTEST) $(if $(M),-s '$(UNIT)',-n $(JOBS) tb/unit)

top: $(SETUP)  ## top-level random programs against the golden command model
	$(PYTEST) -n $(JOBS) tb/top

package: $(SETUP)  ## the Vivado IP, without Vivado: build/package/ and a zip (docs/guide/packaging.md)
	$(SAT) package $(ARGS)

synth: $(SETUP)  ## area and clock: build/synth.json (docs/design/synthesis.md); options in ARGS="..."
	$(PY) scripts/synth.py $(ARGS)

clean:  ## remove build/
	rm -rf build

distclean: clean  ## remove build/ and .venv
	rm -rf $(VENV)
