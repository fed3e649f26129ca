# `make` lists the targets. Extra options go in SWIFT_FLAGS: make test SWIFT_FLAGS="--filter Timer"
SWIFT ?= swift
SWIFT_FLAGS ?=
BENCH_FLAGS ?=
SOAK_SECONDS ?= 300
export SWIFT

LOOPBENCH = SWIFT_BACKTRACE=enable=no Benchmarks/.build/release/loopbench

comma := ,

# All but GRPC, which takes minutes more.
TRAITS = BoringSSL,Hummingbird,Metrics,NIO,ServiceLifecycle

# $(call run-bench,OPTIONS,NAME): what was measured is bench-results/NAME.json and NAME.html. BENCH_FLAGS come last and win.
define run-bench
	@Scripts/setup demo
	@Scripts/bench-peers || echo "going on without what is missing"
	$(SWIFT) build -c release --package-path Benchmarks
	$(LOOPBENCH) run $(1) --json bench-results/$(2).json --html bench-results/$(2).html $(BENCH_FLAGS)
endef

.DEFAULT_GOAL := help
.PHONY: help setup build test test-traits test-integrations test-integrations-grpc test-bench lint format soak simulate simulate-speed fuzz mutants demo bench bench-full bench-docs bench-allocations bench-integrations bench-peers docs test-kernels ci clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what building, testing and the demo need (Debian packages, by apt)
	@Scripts/setup demo

build: ## Build the library
	@Scripts/setup build
	$(SWIFT) build $(SWIFT_FLAGS)

test: ## Run all tests
	@Scripts/setup build
	$(SWIFT) test --disable-xctest $(SWIFT_FLAGS)

test-traits: ## Run the tests of what the package's traits bring, TLS over BoringSSL, SwiftNIO's channels, services and swift-metrics, in one build
	@Scripts/setup build
	$(SWIFT) test --disable-xctest --scratch-path .build/traits --traits $(TRAITS) \
		--filter '^ProactorTests\.(LoopMetricsExporter|EventLoop(Group)?Service|ServiceContext|OpenSSL|TLS|StartTLS|Punycode|ServerName)|^ProactorNIOTests\.' $(SWIFT_FLAGS)
	@# Alone in its process: it counts what that has open.
	PROACTOR_SOAK_SECONDS=5 $(SWIFT) test --disable-xctest --scratch-path .build/traits --traits $(TRAITS) --skip-build \
		--filter '^ProactorSoak\.'
	@Scripts/check-importers .build/traits

test-integrations: ## Run the tests of Hummingbird over the loops: what test-traits has built is not built again
	@Scripts/setup integrations
	INTEGRATIONS=hummingbird $(SWIFT) test --disable-xctest --package-path Integrations --scratch-path .build/traits $(SWIFT_FLAGS)

test-integrations-grpc: ## The same of gRPC, which takes minutes to build
	@Scripts/setup integrations
	$(SWIFT) test --disable-xctest --package-path Integrations --scratch-path .build/traits $(SWIFT_FLAGS)

bench-integrations: ## Measure HTTP, TLS, Hummingbird and gRPC over these loops and over SwiftNIO's, on a quiet machine: minutes
	@Scripts/setup demo
	@Integrations/bench

lint: ## Check the layout of the code, file sizes and left-overs
	@Scripts/lint

format: ## Lay the code out as `make lint` wants it
	@Scripts/lint format

soak: ## Drive the ring and epoll with everything at once, ten minutes in all unless SOAK_SECONDS says else for each, and count what is left
	@Scripts/setup build
	PROACTOR_SOAK_SECONDS=$(SOAK_SECONDS) $(SWIFT) test --disable-xctest --filter '^ProactorSoak\.' $(SWIFT_FLAGS)

simulate: ## Run scenarios in the simulated kernel under SEEDS seeds each, for SECONDS in all at most; FIRST seed, ONLY scenario
	@Scripts/setup build
	$(SWIFT) build -c release --product simulate
	.build/release/simulate $(if $(SEEDS),--seeds $(SEEDS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(FIRST),--first $(FIRST)) \
		$(if $(ONLY),--only $(ONLY))

simulate-speed: ## Measure what a simulated day and echoes in a simulation take of a processor; ONLY workload
	@Scripts/setup build
	$(SWIFT) build -c release --product simulate
	.build/release/simulate --measure $(if $(ONLY),$(ONLY),all)

fuzz: ## Look for inputs on which parsers and their models differ, with libFuzzer, SECONDS_EACH (60); ONLY target
	@Scripts/setup build
	@Scripts/fuzz $(ONLY)

mutants: ## Plant faults in copies of the sources, and see whether the simulations find them: half an hour
	@Scripts/setup build
	@Scripts/mutants

demo: ## Serve HTTP, echo and echo over TLS on each loop, load them, and print a table
	@Scripts/setup demo
	$(SWIFT) build -c release --package-path Benchmarks --product loopbench
	$(LOOPBENCH) demo

test-bench: ## Run the tests of the benchmarks' tool
	@Scripts/setup build
	$(SWIFT) test --disable-xctest --package-path Benchmarks $(SWIFT_FLAGS)

bench: ## Compare event loops for five minutes: a table, and JSON and a web page in bench-results/
	$(call run-bench,--workloads quick --minutes 5,latest)

bench-full: ## The same with every workload and the micro-benchmarks: hours
	$(call run-bench,--workloads all$(comma)micro,full)

bench-docs: ## Measure what docs/benchmarks.md shows, and write its tables and plots anew
	$(call run-bench,--workloads core$(comma)micro --minutes 24,docs)
	$(LOOPBENCH) report bench-results/docs.json --docs docs/benchmarks.md --svg-dir docs/benchmarks

bench-allocations: ## Fail when callSoon, a timer, a write or an await allocates more than it may
	@Scripts/setup build
	$(SWIFT) build -c release --package-path Benchmarks --product loopbench
	$(LOOPBENCH) micro --only allocations --rounds 1 --check

bench-peers: ## Install and build the servers to compare with: asyncio, uvloop, libuv, Boost.Asio, and Go where it is
	@Scripts/bench-peers

docs: ## Build the reference as a static site in .build/docs
	@Scripts/setup build
	@Scripts/docs

test-kernels: ## Run the tests on Debian's KERNELS under CONDITIONS, booted by QEMU, or what FILTER names of them
	@Scripts/test-kernels $(if $(KERNELS),--kernels "$(KERNELS)") $(if $(CONDITIONS),--conditions "$(CONDITIONS)") \
		$(if $(FILTER),--filter '$(FILTER)') $(KERNELS_FLAGS)

ci: ## Do all that CI does
	@.ci/run

clean: ## Remove everything that was built
	rm -rf .build Benchmarks/.build Benchmarks/.peers Integrations/.build
