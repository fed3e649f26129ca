# `make` lists the targets. Extra options go in SWIFT_FLAGS: make test SWIFT_FLAGS="--filter Timer"
SWIFT ?= swift
SWIFT_FLAGS ?=
BENCH_FLAGS ?=
SOAK_SECONDS ?= 300
export SWIFT

LOOPBENCH = SWIFT_BACKTRACE=enable=no Benchmarks/.build/release/loopbench

.DEFAULT_GOAL := help
.PHONY: help setup build test lint format soak demo bench docs ci clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what building, testing and the demo need (Debian packages, by apt)
	@Scripts/setup demo

build: ## Build the library
	@Scripts/setup build
	$(SWIFT) build $(SWIFT_FLAGS)

test: ## Run all tests
	@Scripts/setup build
	$(SWIFT) test --disable-xctest $(SWIFT_FLAGS)

lint: ## Check the layout of the code, file sizes and left-overs
	@Scripts/lint

format: ## Lay the code out as `make lint` wants it
	@Scripts/lint format

soak: ## Drive each loop with everything at once, five minutes each unless SOAK_SECONDS says else, and count what is left
	@Scripts/setup build
	PROACTOR_SOAK_SECONDS=$(SOAK_SECONDS) $(SWIFT) test --disable-xctest --filter '^ProactorSoak\.' $(SWIFT_FLAGS)

demo: ## Serve HTTP and echo on each loop, load them, and print a table
	@Scripts/setup demo
	$(SWIFT) build -c release --package-path Benchmarks
	$(LOOPBENCH) demo

bench: ## Run the benchmarks; options of `loopbench run` go in BENCH_FLAGS
	@Scripts/setup build
	$(SWIFT) build -c release --package-path Benchmarks
	$(LOOPBENCH) run $(BENCH_FLAGS)

docs: ## Build the reference as a static site in .build/docs
	@Scripts/setup build
	@Scripts/docs

ci: ## Do all that CI does
	@.ci/run

clean: ## Remove everything that was built
	rm -rf .build Benchmarks/.build
