# Needs make, Python 3.11 or newer and, for `make test`, Go 1.26 or newer; the rest is fetched into .venv by the lock file.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin

.PHONY: demo test lint bench soak train lock clean
demo: $(VENV)/ready
	$(RUN)/vigil demo

test: $(VENV)/ready lint
	$(RUN)/pytest -n 2

lint: $(VENV)/ready
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy

# What takes long, at full length: mutated messages, workers and writers of the audit log that are killed, and steady load;
# and what another day may change: the newest packages.
soak: $(VENV)/compared
	VIGIL_MUTATIONS=100000 VIGIL_CRASHES=50 VIGIL_TEST_NEWEST=1 $(RUN)/pytest tests/simulation tests/property
	$(RUN)/python -m tests.benchmarks day
	$(RUN)/python -m tests.benchmarks steady --minutes 60

bench: $(VENV)/compared
	$(RUN)/python -m tests.benchmarks

train: $(VENV)/ready
	$(RUN)/vigil train

lock: $(VENV)/uv
	$(RUN)/uv lock

$(VENV)/uv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Vigil needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(RUN)/pip install --quiet --disable-pip-version-check "uv>=0.5,<1"
	touch $@

$(VENV)/ready: $(VENV)/uv pyproject.toml uv.lock
	VIRTUAL_ENV=$(abspath $(VENV)) UV_PROJECT_ENVIRONMENT=$(abspath $(VENV)) $(RUN)/uv sync --quiet --frozen --inexact --extra train --extra dev
	touch $@

# What is compared with in benchmarks.
$(VENV)/compared: $(VENV)/ready
	VIRTUAL_ENV=$(abspath $(VENV)) UV_PROJECT_ENVIRONMENT=$(abspath $(VENV)) $(RUN)/uv sync --quiet --frozen --inexact --extra train --extra dev --extra bench
	touch $@

clean:
	rm -rf $(VENV) .services build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
