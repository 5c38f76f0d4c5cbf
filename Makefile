# Every command that a developer needs. `make` alone lists them.

SHELL := /bin/bash
VENV := .venv/bin
INPUTS := pyproject.toml scripts/venv.sh
ARGS ?=
# Three keep two cores busy, for some tests wait; a file to a process at a time. A part that is named runs in one process.
# A process that dies is told and not replaced: with files handed out whole, the rest would wait for its last one for ever.
SPREAD := $(if $(ARGS),,-n 3 --dist loadfile --max-worker-restart=0)

.DEFAULT_GOAL := help
.PHONY: test-engines help up test lint fmt lock clean conformance bench-gateway bench-net bench-tasks bench-router bench-online bench-cascade bench-tokens bench-counting bench-failover bench-guards

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

up: .venv/run.stamp ## install what is missing and start the gateway on http://127.0.0.1:8400 (ARGS="--port 9000")
	@exec $(VENV)/mesh up $(ARGS)

test: .venv/dev.stamp ## install what tests need and run them (ARGS="tests/wire -k stream")
	@$(VENV)/python -m pytest $(SPREAD) $(ARGS)

# All of them run, so that one look shows everything that is wrong.
lint: .venv/dev.stamp ## style, types, contracts between rooms, shape and documentation
	@wrong=0; check() { echo "$$*"; "$(VENV)/$$@" || wrong=1; }; \
	check ruff check --quiet .; \
	check ruff format --quiet --check .; \
	check mypy; \
	check lint-imports --no-logo; \
	check pytest -q -m "not blocks" tests/test_shape.py tests/test_contracts.py tests/test_docs.py; \
	exit $$wrong

fmt: .venv/dev.stamp ## put the code in the house style
	$(VENV)/ruff check --fix-only --quiet .
	$(VENV)/ruff format .

soak: .venv/dev.stamp ## long proofs: thousands of schedules of faults, with new chances each time (SOAK_SEED=n repeats)
	@$(VENV)/python -m pytest -s -m soak -o faulthandler_timeout=0 tests/soak $(ARGS)

conformance: .venv/dev.stamp ## other people's tests against Meshwright (ARGS=openai_python runs one of them)
	@wrong=0; for one in $(or $(ARGS),openai_python anthropic_python langchain_standard vercel_ai open_responses receipts); do \
	$(VENV)/python conformance/$$one.py || wrong=1; done; exit $$wrong

test-engines: .venv/dev.stamp ## a real engine behind the gateway; compiles it the first time, which takes minutes
	@$(VENV)/python conformance/engines.py

bench-gateway: .venv/dev.stamp ## requests and streams per second beside nginx and others (ARGS="full mesh switchyard")
	@$(VENV)/python bench/gateway/run.py $(ARGS)

bench-net: .venv/dev.stamp ## the two HTTP clients against each other
	@$(VENV)/python bench/net/bench_net.py bench/gateway/mockllm.c $(ARGS)

bench-router: .venv/dev.stamp ## how good and how fast the learned router is (ARGS="outcomes.jsonl.gz --quick")
	@$(VENV)/python bench/router/measure_router.py $(ARGS)

bench-guards: .venv/dev.stamp ## how good and how fast the guards are (ARGS="--pii ROWS --injection FOLDER --pages FOLDER")
	@$(VENV)/python bench/guards/measure_guards.py $(ARGS)

bench-online: .venv/dev.stamp ## how fast the router learns from the chosen model's outcomes (ARGS="outcomes.jsonl.gz --only drift")
	@$(VENV)/python bench/router/measure_online.py $(ARGS)

bench-tasks: .venv/dev.stamp ## how good and how fast the task classifier is (ARGS=--wrong shows its mistakes)
	@$(VENV)/python bench/router_tasks/measure.py $(ARGS)

bench-cascade: .venv/dev.stamp ## how well the gate tells good answers from bad (ARGS=ROWS.jsonl.gz)
	@$(VENV)/python bench/cascade/measure.py $(ARGS)

bench-tokens: .venv/dev.stamp ## how far token estimates are off (ARGS="TEXTS KINDS COUNTS", see bench/README.md)
	@$(VENV)/python bench/tokens/measure.py $(ARGS)

bench-counting: .venv/dev.stamp ## the same beside tokenizers at hand, and what those cost (ARGS="TOKENIZERS TEXTS")
	@$(VENV)/python bench/tokens/exact.py $(ARGS)

bench-failover: .venv/dev.stamp ## the sixteen faults of failoverbench and the score; two minutes (ARGS="--quick --defaults")
	@$(VENV)/python -m tests.failover.exam $(ARGS)

lock: ## lock dependencies again (UPGRADE=1 moves them to the newest that fit)
	@UPGRADE=$(UPGRADE) scripts/lock.sh

clean: ## remove the virtual environment, caches and build products
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .schemathesis
	find src tests bench scripts -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/run.stamp: constraints-run.txt $(INPUTS)
	@scripts/venv.sh run

.venv/dev.stamp: constraints.txt $(INPUTS)
	@scripts/venv.sh dev
