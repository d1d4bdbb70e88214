# `make` lists what there is. Everything goes through cargo; CARGO_TARGET_DIR is honoured.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# Cargo runs in parallel by itself, and two of them wait for each other's lock.
.NOTPARALLEL:

TARGET := $(or $(CARGO_TARGET_DIR),target)
TIDEWATCH := $(TARGET)/release/tidewatch
# Where tests that speak to the tower from Python find an interpreter with what they need.
PYTHON_ENV := $(TARGET)/python-env
# How many minutes `make soak` kills the release program under open-loop load, and how many inputs it tries each decoder with.
SOAK_KILL_MINUTES ?= 30
SOAK_FUZZ ?= 200000
# How many cases `make soak` tries each property with (`make test`: 256), how many random histories it tells the
# running tower, and how often it kills one under load.
SOAK_CASES ?= 20000
SOAK_SEEDS ?= 500
SOAK_KILLS ?= 100
# Options of the bench targets, as in BENCH_ARGS="--repeat 5 --data /mnt/disk".
BENCH_ARGS ?=

# $(call need,PROGRAM,HOW TO GET IT): stops with one line when a program is missing.
define need
command -v $(1) > /dev/null || { echo "missing: $(1). $(2)" >&2; exit 1; }
endef
need_cargo := $(call need,cargo,Install Rust 1.95 or newer: https://rustup.rs)
need_python := $(call need,python3,Install Python 3.9 or newer with its venv module)
need_cc := $(call need,cc,Install a C compiler: the TLS library is partly written in C)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The console's files but for what is made of them: it is built again when one of them is newer.
CONSOLE_SOURCES := $(shell find console -path console/node_modules -prune -o -path console/dist -prune -o -path console/e2e -prune -o -type f -print)

.PHONY: console
console: console/dist/index.html ## build the page that the tower serves at / (needs Node); the next build of the program carries it

console/dist/index.html: $(CONSOLE_SOURCES) console/node_modules/.package-lock.json
	@npm run --silent --prefix console build -- --logLevel warn

console/node_modules/.package-lock.json: console/package-lock.json
	@$(call need,npm,Install Node 20.19 or newer)
	@npm ci --silent --prefix console
	@touch $@

.PHONY: check-console
check-console: console/node_modules/.package-lock.json ## types, style and unit tests of the console (needs Node)
	@npm run --silent --prefix console check
	@npm test --silent --prefix console

.PHONY: demo
demo: release ## build, then tell the demo's story: on a terminal with a page to click, else by itself
	@if [ -t 1 ]; then $(TIDEWATCH) demo; else $(TIDEWATCH) demo --walk; fi

.PHONY: python-env
python-env: $(PYTHON_ENV)/installed ## a Python environment for the tests of clients in Python

$(PYTHON_ENV)/installed: tests/python/requirements.txt
	@$(need_python)
	@python3 -m venv $(PYTHON_ENV)
	@$(PYTHON_ENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.PHONY: test
test: python-env console strace ## all tests, in Chromium too (needs Node); uses cargo-nextest where it is installed
	@$(need_cargo); $(need_cc)
	@$(MAKE) --no-print-directory check-console
	@if command -v cargo-nextest > /dev/null; then \
		cargo test --locked --doc --quiet && cargo nextest run --locked --no-fail-fast; \
	else \
		cargo test --locked --no-fail-fast; \
	fi
	@$(MAKE) --no-print-directory test-browser

# One test looks at the order of the system's calls; without strace it says that it is skipped.
.PHONY: strace
strace:
	@if ! command -v strace > /dev/null; then \
		if command -v apt-get > /dev/null && test "$$(id -u)" = 0; then \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends strace > /dev/null; \
		else \
			echo "strace is missing: the test of what is synced before an answer is skipped (on Debian: apt-get install strace)" >&2; \
		fi; \
	fi

# Chromium: $CHROMIUM, or what is installed.
find_chromium := for program in "$${CHROMIUM:-}" chromium chromium-browser google-chrome; do \
	command -v "$$program" > /dev/null && exit 0; done

.PHONY: chromium
chromium:
	@($(find_chromium); \
	if command -v apt-get > /dev/null && test "$$(id -u)" = 0; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium > /dev/null; \
	else \
		echo "missing: Chromium. Install it (on Debian: apt-get install chromium), or set CHROMIUM to its path" >&2; exit 1; \
	fi)

.PHONY: test-browser
test-browser: console chromium ## the page in Chromium against the real program: the story, two people, drops, load, axe
	@$(need_cargo); $(need_cc)
	@cargo build --locked --bin tidewatch
	@TIDEWATCH=$(abspath $(TARGET))/debug/tidewatch node --test --test-concurrency=1 --test-reporter=spec console/e2e/*.e2e.js

.PHONY: picture
picture: release chromium ## take the README's picture anew: the demo's story, when its options are there
	@TIDEWATCH=$(abspath $(TIDEWATCH)) node console/e2e/picture.js docs/console.png

.PHONY: bench-console
bench-console: console chromium ## frame times and long tasks of the page under load, printed and not judged
	@$(need_cargo); $(need_cc)
	@cargo build --locked --bin tidewatch
	@TIDEWATCH=$(abspath $(TARGET))/debug/tidewatch node console/e2e/bench.js

.PHONY: bench
bench: release ## measure a tower against every target and under every profile, three times, into docs/benchmarks.md
	@missed=0; \
	$(TIDEWATCH) bench --suite --into docs/benchmarks.md $(or $(BENCH_ARGS),--repeat 3) || missed=$$?; \
	test $$missed = 0 || test $$missed = 3 || exit $$missed; \
	$(TIDEWATCH) bench --recovery --into docs/benchmarks.md $(or $(BENCH_ARGS),--repeat 3) || missed=$$?; \
	test $$missed = 0 || test $$missed = 3 || exit $$missed; \
	$(TIDEWATCH) bench --passivation --into docs/benchmarks.md $(or $(BENCH_ARGS),--repeat 3) || missed=$$?; \
	test $$missed = 0 || test $$missed = 3 || exit $$missed; \
	$(TIDEWATCH) bench --profile all --into docs/benchmarks.md $(or $(BENCH_ARGS),--repeat 3); \
	exit $$missed

.PHONY: bench-quick
bench-quick: release ## the same once, with shorter loads, and nothing written: does it work rather than how fast
	@missed=0; \
	$(TIDEWATCH) bench --suite --quick $(BENCH_ARGS) || missed=$$?; \
	test $$missed = 0 || test $$missed = 3 || exit $$missed; \
	$(TIDEWATCH) bench --recovery --quick $(BENCH_ARGS) || missed=$$?; \
	test $$missed = 0 || test $$missed = 3 || exit $$missed; \
	$(TIDEWATCH) bench --passivation --quick $(BENCH_ARGS) || missed=$$?; \
	test $$missed = 0 || test $$missed = 3 || exit $$missed; \
	$(TIDEWATCH) bench --profile all --quick --rate 2000 --clients 20 $(BENCH_ARGS); \
	exit $$missed

.PHONY: bench-feed
bench-feed: release ## measure the feed against its targets; BENCH_ARGS adds options
	@$(TIDEWATCH) bench --feed $(BENCH_ARGS)

.PHONY: bench-recovery
bench-recovery: release ## measure snapshots and the start after a kill, into docs/benchmarks.md; BENCH_ARGS adds options
	@$(TIDEWATCH) bench --recovery --into docs/benchmarks.md $(BENCH_ARGS)

.PHONY: bench-passivation
bench-passivation: release ## measure the memory of a large catalogue of which little is active, into docs/benchmarks.md; BENCH_ARGS adds options
	@$(TIDEWATCH) bench --passivation --into docs/benchmarks.md $(BENCH_ARGS)

.PHONY: bench-micro
bench-micro: ## criterion benches of the parts
	@$(need_cargo); $(need_cc)
	@cargo bench --locked

.PHONY: soak
soak: python-env ## all tests, longer, then the kill loop: SOAK_CASES, SOAK_SEEDS, SOAK_KILLS, SOAK_FUZZ and SOAK_KILL_MINUTES say how much
	@$(need_cargo); $(need_cc)
	@PROPTEST_CASES=$(SOAK_CASES) TIDEWATCH_SEEDS=$(SOAK_SEEDS) TIDEWATCH_KILL_ROUNDS=$(SOAK_KILLS) TIDEWATCH_FUZZ_CASES=$(SOAK_FUZZ) cargo test --locked
	@$(MAKE) --no-print-directory kill-loop

.PHONY: kill-loop
kill-loop: release ## kill the release program at random for SOAK_KILL_MINUTES under open-loop load; the last line is the result
	@TIDEWATCH_BIN=$(abspath $(TIDEWATCH)) TIDEWATCH_KILL_MINUTES=$(SOAK_KILL_MINUTES) \
		cargo test --locked --test restart_supervisor -- --nocapture

.PHONY: fuzz
fuzz: ## fuzz one decoder under coverage guidance until stopped: make fuzz TARGET_NAME=record (needs cargo-fuzz and a nightly)
	@$(call need,cargo-fuzz,cargo install cargo-fuzz)
	@cd fuzz && cargo +nightly fuzz run $(or $(TARGET_NAME),record)

# Built as for tests: what is checked is what is said, not how fast.
DOCUMENTS := $(or $(CARGO_TARGET_DIR),target)/check-documents
.PHONY: check-documents
check-documents: ## the OpenAPI and AsyncAPI documents against their specifications and a tower (needs Python and Node)
	@$(need_cargo); $(need_cc)
	@$(call need,python3,Install Python 3.10 or newer)
	@$(call need,npm,Install Node 20 or newer)
	@cargo build --locked
	@test -x $(DOCUMENTS)/venv/bin/python || python3 -m venv $(DOCUMENTS)/venv
	@$(DOCUMENTS)/venv/bin/pip install --quiet --disable-pip-version-check --requirement tests/python/check-documents.txt
	@npm install --silent --no-fund --no-audit --prefix $(DOCUMENTS) @asyncapi/parser@3.6.3
	@$(DOCUMENTS)/venv/bin/python tests/python/check_documents.py $(dir $(TIDEWATCH))../debug/tidewatch $(DOCUMENTS)/node_modules
	@TIDEWATCH_PYTHON=$(abspath $(DOCUMENTS)/venv/bin/python) cargo test --locked --test docs_examples

.PHONY: lint
lint: ## formatting, clippy, and what may be linked (installs cargo-deny where it is missing)
	@$(need_cargo); $(need_cc)
	@$(call need,rustfmt,rustup component add rustfmt)
	@$(call need,cargo-clippy,rustup component add clippy)
	@cargo fmt --check
	@cargo clippy --locked --all-targets -- -D warnings
	@command -v cargo-deny > /dev/null || cargo install --locked cargo-deny
	@cargo deny --locked check bans licenses sources

.PHONY: release
release: ## build the program as it is shipped, with the console where npm is there to build it
	@$(need_cargo); $(need_cc)
	@if command -v npm > /dev/null; then \
		$(MAKE) --no-print-directory console; \
	else \
		echo "npm is missing, so / shows how to build the console instead of it: install Node 20.19 or newer" >&2; \
	fi
	@cargo build --locked --release
