# Thin on purpose: each target is a line or two that the README also gives for people without make.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: benchmark test lint fuzz performance clean
benchmark: .venv/ready
	$(BIN)/python run_benchmark.py

test: .venv/ready lint
	$(BIN)/python -m pytest -q -n 3 --dist worksteal

lint: .venv/ready
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

fuzz: .venv/ready
	HMIF_FUZZ=$${HMIF_FUZZ:-20000} $(BIN)/python -m pytest -q --timeout 7200 tests/datasets/test_fuzz.py

performance: .venv/ready
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest tests/performance --benchmark-only --override-ini=addopts="--import-mode=importlib"

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis .benchmarks
