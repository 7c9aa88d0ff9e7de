# Every target is one or two lines; what they run is in the Go code and in tools/.
.DEFAULT_GOAL := help
GO ?= go
LINT := $(GO) tool -modfile=tools/golangci-lint/go.mod golangci-lint

.PHONY: help demo build test test-all lint fmt bench golden

help: ## show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## backtest V2, HPA and V3 on ten days of a web shop; opens with a report
	bin/hindcast backtest --force -o demo

build: ## build bin/hindcast
	$(GO) build -o bin/hindcast ./cmd/hindcast

test: ## run every test
	scripts/fetch-test-parts.sh
	$(GO) vet ./... && $(GO) test -timeout 20m ./...

test-all: test ## the tests with the race detector, and a minute of every fuzz target
	$(GO) test -race -timeout 40m ./...
	scripts/fuzz.sh 60s

lint: ## run the linters
	$(LINT) run ./...

fmt: ## format the code
	gofmt -w $$(git ls-files '*.go')

bench: ## run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

golden: ## make the golden files of other implementations again (needs R or Python)
	scripts/golden.sh
