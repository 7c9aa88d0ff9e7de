# Every target is one or two lines; what they run is in the Go code, scripts/ and tools/.
.DEFAULT_GOAL := help
GO ?= go
PYTHON ?= python3
CONTROLLER_GEN := $(GO) tool -modfile=tools/controller-gen/go.mod controller-gen
LINT := $(GO) tool -modfile=tools/golangci-lint/go.mod golangci-lint
PROMETHEUS := bin/prometheus
# An older server to check against: make test-prometheus PROMETHEUS=/usr/bin/prometheus
export HINDCAST_PROMETHEUS = $(abspath $(PROMETHEUS))
export HINDCAST_PROMTOOL = $(abspath bin/promtool)
# etcd, kube-apiserver and kubectl; another folder that holds them will do
KUBEBUILDER_ASSETS ?= $(abspath bin/k8s)
export KUBEBUILDER_ASSETS

.PHONY: help demo build test test-all test-prometheus test-peers test-image envtest-assets plane-assets generate deploy lint fmt cover bench golden accuracy check-accuracy baseline

help: ## show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## backtest V2, HPA and V3 on ten days of a web shop; opens with a report
	bin/hindcast backtest --force -o demo

build: ## build bin/hindcast
	$(GO) build -o bin/hindcast ./cmd/hindcast

test: bin/prometheus bin/promtool $(KUBEBUILDER_ASSETS)/kube-apiserver ## run every test; builds a Prometheus and a Kubernetes API server for them first
	$(GO) vet ./... && $(GO) test -timeout 20m ./...

test-all: test plane-assets test-peers test-image ## the tests with the race detector, on a whole control plane too, and a minute of every fuzz target
	$(GO) test -race -timeout 60m ./...
	HINDCAST_PLANE=15m $(GO) test -timeout 60m -run Plane -v ./internal/clustertest ./internal/stack ./live ./manifests
	HINDCAST_FLEET=1000 HINDCAST_FLEET_MODE=Active $(GO) test -timeout 60m -run Fleet -v ./live
	scripts/fuzz.sh 60s

# make fuzz FUZZTIME=10m FUZZ='^FuzzNAB$$'
FUZZTIME ?= 3m
FUZZ ?= .
.PHONY: fuzz
fuzz: ## fuzz every target for FUZZTIME each; FUZZ chooses some by a regular expression
	GO=$(GO) scripts/fuzz.sh $(FUZZTIME) '$(FUZZ)'

PEERS := $(addprefix bin/peers/,victoria-metrics thanos mimir keda-operator keda-adapter)
test-peers: bin/prometheus bin/promtool $(PEERS) bin/peers/keda-crds $(KUBEBUILDER_ASSETS)/kube-apiserver $(KUBEBUILDER_ASSETS)/kwok ## the tests on Thanos, Mimir, VictoriaMetrics and KEDA; builds them first, sixteen CPU minutes
	HINDCAST_PEERS=$(abspath bin/peers) $(GO) test -count 1 -timeout 20m -v -run 'Peers|Thanos|Victoria' ./internal/mirror
	HINDCAST_PEERS=$(abspath bin/peers) $(GO) test -count 1 -timeout 20m -v -run 'TestKEDA$$|TestPeersLive' ./live

test-image: bin/ko bin/layout $(KUBEBUILDER_ASSETS)/kube-apiserver ## build the controller's image by ko and by the Dockerfile's commands, open it, and run it on a read-only root
	bin/layout bin/ko bin/image
	HINDCAST_IMAGE=$(abspath bin/image) $(GO) test -count 1 -timeout 30m -v -run 'Image|Docker' ./cmd/hindcast-controller

test-prometheus: ## only the tests that need a Prometheus server, against PROMETHEUS
	$(GO) test -count 1 -v -run "Prometheus|Raw|Refuses|OpenLoad" ./promdb/... ./backtest/... ./internal/mirror

envtest-assets: $(KUBEBUILDER_ASSETS)/kube-apiserver ## get a Kubernetes API server for the tests, and print its folder
	@echo $(KUBEBUILDER_ASSETS)

plane-assets: $(KUBEBUILDER_ASSETS)/kwok $(KUBEBUILDER_ASSETS)/node_exporter ## get the rest of a control plane, and exporters: controller manager, scheduler, kwok, kube-state-metrics, node_exporter
	@echo $(KUBEBUILDER_ASSETS)

generate: ## write what is made from something else: CRD and deep copies, the interface of KEDA, the definitions and rules of the Prometheus Operator and what it makes of our monitors
	$(CONTROLLER_GEN) object paths=./api/... && $(CONTROLLER_GEN) crd paths=./api/... output:crd:dir=manifests/crd
	rm -f manifests/crd/*_experiments.yaml # an Experiment is a file, never an object
	GOFLAGS=-modfile=$(CURDIR)/tools/protoc/go.mod $(GO) run live/keda/externalscaler/generate.go . live/keda/externalscaler/externalscaler.proto
	GO=$(GO) scripts/operator-crds.sh
	$(GO) test ./manifests -run 'SameRules|SameLabels' -update

deploy: ## print the two commands that build the controller's image and install it
	@echo 'IMAGE=$$(KO_DOCKER_REPO=registry.example.com/hindcast ko build ./cmd/hindcast-controller)  # or docker buildx build, see Dockerfile'
	@echo 'kubectl kustomize manifests/controller/default | sed "s|hindcast-controller:latest|$$IMAGE|" | kubectl apply --server-side -f -'

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

accuracy: build ## score every model on ../shared/data and write docs/accuracy.md; hours, resumable
	scripts/accuracy-table.sh

check-accuracy: build ## fail where forecasts or V3 got worse than testdata/baselines says
	scripts/accuracy.sh

baseline: build ## write testdata/baselines anew, where a change is meant
	scripts/accuracy.sh --update

.PHONY: dashboards dashboards-live dashboards-pictures
dashboards: ## write grafana/*.json anew from their description in Go
	$(GO) run ./grafana/generate grafana

dashboards-live: bin/prometheus bin/promtool $(KUBEBUILDER_ASSETS)/kube-apiserver plane-assets ## ask every query of the dashboards of a live stack, for docs/dashboards-live.md; ten minutes
	HINDCAST_PLANE=1 $(GO) test -timeout 30m -count 1 -run PlaneDashboards -v ./internal/stack -update

dashboards-pictures: build ## draw what the dashboards show of a simulated week, for docs/dashboards.md
	GO=$(GO) scripts/dashboard-pictures.sh

bin/prometheus bin/promtool: tools/prometheus/go.mod
	$(GO) build -modfile=$< -tags remove_all_sd,enable_kubernetes_sd -o $@ github.com/prometheus/prometheus/cmd/$(notdir $@)

bin/ko: tools/ko/go.mod
	$(GO) build -modfile=$< -trimpath -o $@ github.com/google/ko

bin/layout: tools/ko/go.mod cmd/hindcast-controller/layout.go
	$(GO) build -modfile=$< -trimpath -o $@ cmd/hindcast-controller/layout.go

bin/peers/victoria-metrics: tools/victoriametrics/go.mod
	$(GO) build -modfile=$< -trimpath -o $@ github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics

# It hands labels on as they lie in memory, and needs them as slices.
bin/peers/thanos: tools/thanos/go.mod
	$(GO) build -modfile=$< -trimpath -tags slicelabels -o $@ github.com/thanos-io/thanos/cmd/thanos

bin/peers/mimir: tools/mimir/go.mod
	$(GO) build -modfile=$< -trimpath -o $@ github.com/grafana/mimir/cmd/mimir

bin/peers/keda-operator bin/peers/keda-adapter: tools/keda/go.mod
	$(GO) build -modfile=$< -trimpath -o $@ github.com/kedacore/keda/v2/cmd/$(@F:keda-%=%)

bin/peers/keda-crds: tools/keda/go.mod bin/peers/keda-operator
	rm -rf $@ && mkdir $@ && cp $$($(GO) list -modfile=$< -m -f '{{.Dir}}' github.com/kedacore/keda/v2)/config/crd/bases/*.yaml $@

$(abspath bin/k8s)/kube-apiserver: tools/envtest/go.mod
	@GO=$(GO) scripts/k8s-assets.sh $(@D) api

$(abspath bin/k8s)/kwok: tools/envtest/go.mod tools/kwok/go.mod
	@GO=$(GO) scripts/k8s-assets.sh $(@D) plane

$(abspath bin/k8s)/node_exporter: tools/envtest/go.mod tools/envtest/kubelet/main.go tools/kube-state-metrics/go.mod tools/node-exporter/go.mod
	@GO=$(GO) scripts/k8s-assets.sh $(@D) exporters
