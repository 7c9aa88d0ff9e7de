# Every target is one or two lines; what they run is in the Go code, scripts/ and tools/.
.DEFAULT_GOAL := help
GO ?= go
PYTHON ?= python3
LINT := $(GO) tool -modfile=tools/golangci-lint/go.mod golangci-lint
PROMETHEUS := bin/prometheus
# An older server to check against: make test-prometheus PROMETHEUS=/usr/bin/prometheus
export HINDCAST_PROMETHEUS = $(abspath $(PROMETHEUS))

.PHONY: help demo build test test-all test-prometheus lint fmt cover bench golden check-accuracy baseline

help: ## show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## backtest V2, HPA and V3 on ten days of a web shop; opens with a report
	bin/hindcast backtest --force -o demo

build: ## build bin/hindcast
	$(GO) build -o bin/hindcast ./cmd/hindcast

test: bin/prometheus ## run every test; builds a Prometheus server for them first
	$(GO) vet ./... && $(GO) test -timeout 20m ./...

test-all: test ## the tests with the race detector, and a minute of every fuzz target
	$(GO) test -race -timeout 60m ./...
	scripts/fuzz.sh 60s

test-prometheus: ## only the tests that need a Prometheus server, against PROMETHEUS
	$(GO) test -count 1 -v -run Prometheus ./promdb ./backtest/...

lint: ## run the linters
	$(LINT) run ./...

fmt: ## format the code
	gofmt -w $$(git ls-files '*.go')

cover: ## write cover.html
	$(GO) test -coverprofile=cover.out ./... && $(GO) tool cover -html=cover.out -o cover.html

bench: ## run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

golden: ## make the golden files of other implementations again (needs Python and R)
	PYTHON=$(PYTHON) scripts/golden.sh

check-accuracy: build ## fail where forecasts or V3 got worse than testdata/baselines says
	scripts/accuracy.sh

baseline: build ## write testdata/baselines anew, where a change is meant
	scripts/accuracy.sh --update

bin/prometheus: tools/prometheus/go.mod
	$(GO) build -modfile=$< -tags remove_all_sd -o $@ github.com/prometheus/prometheus/cmd/prometheus
