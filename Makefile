# `make` lists the targets. It takes Go, make, bash, git and the core utilities;
# every other tool is built from what hack/tools pins, and kept outside the tree.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
.NOTPARALLEL: # the order below is: what fails soonest comes first

FUZZTIME ?= 20s
PKG ?= ./...
TESTFLAGS ?=
SCALE ?=
LINTFLAGS ?=
BEHALF_CACHE ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/behalf
export BEHALF_CACHE
export GOLANGCI_LINT_CACHE := $(BEHALF_CACHE)/golangci-lint

# One set of flags for programs, linters and tools, so that each package is compiled
# once for all of them. Only tests need another: the race detector, and with it cgo.
export CGO_ENABLED := 0
plain_goflags := $(filter-out -trimpath,$(GOFLAGS))
export GOFLAGS := $(strip $(plain_goflags) -trimpath)

# Without a C compiler there is no race detector, and the tests say so.
race = $(if $(shell command -v "$$(go env CC)"),-race)
go_test = CGO_ENABLED=$(if $(race),1,0) GOFLAGS='$(plain_goflags)' go test $(race) -vet=off -timeout=20m $(TESTFLAGS)
warn_of_races = $(if $(race),,$(say) 'test: WITHOUT the race detector, for lack of a C compiler')
say = @printf '\n==> %s\n' >&2
tool = hack/tools/install.sh

# A folder may be missing in a young tree.
programs := $(addprefix ./,$(addsuffix /...,$(wildcard cmd hack/demo)))
markers := $(addprefix ./,$(addsuffix /...,$(wildcard api controllers webhook)))

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n\033[1m%s\033[0m\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  \033[36m%-24s\033[0m %s\n", $$1, $$2 }' Makefile
	@printf '\nVariables: PKG=%s  TESTFLAGS=%s  FUZZTIME=%s  BEHALF_CACHE=%s\n' \
	  '$(PKG)' '$(TESTFLAGS)' '$(FUZZTIME)' '$(BEHALF_CACHE)'

##@ Write

.PHONY: generate
generate: ## Generate deep copies, CRDs, RBAC and webhook manifests from their markers
	$(say) 'generate: $(markers)'
	@controller_gen=$$($(tool) controller-gen); \
	rm -f config/crd/bases/*.yaml; \
	"$$controller_gen" $(foreach path,$(markers),paths=$(path)) \
	  object:headerFile=hack/boilerplate.go.txt \
	  crd output:crd:artifacts:config=config/crd/bases \
	  rbac:roleName=behalf-manager output:rbac:artifacts:config=config/rbac \
	  webhook output:webhook:artifacts:config=config/webhook

.PHONY: fmt
fmt: ## Format and group imports
	$(say) 'fmt'
	@golangci_lint=$$($(tool) golangci-lint); "$$golangci_lint" fmt

##@ Check

.PHONY: verify
verify: verify-headers verify-paths verify-format verify-tidy verify-layering verify-generated verify-manifests lint verify-vulnerabilities ## Check everything that needs no cluster and no test
	$(say) 'verify: all of it holds'

.PHONY: lint
lint: ## Lint, with the Kubernetes API conventions for api/; LINTFLAGS=--fix mends what it can
	$(say) 'lint'
	@golangci_lint=$$($(tool) golangci-lint); "$$golangci_lint" run $(LINTFLAGS) ./...; \
	for module in test/bench test/monitoring; do \
	  (cd $$module; "$$golangci_lint" run --config ../../.golangci.yml $(LINTFLAGS) ./...); \
	done

.PHONY: verify-headers
verify-headers: ## Check for the license header
	$(say) 'verify: license headers'
	@hack/verify/headers.sh

.PHONY: verify-paths
verify-paths: ## Check for paths of one machine
	$(say) 'verify: paths'
	@hack/verify/paths.sh

.PHONY: verify-format
verify-format: ## Check that gofumpt would change nothing
	$(say) 'verify: format'
	@gofumpt=$$($(tool) gofumpt); badly=$$("$$gofumpt" -l .); \
	if [[ -n $$badly ]]; then printf 'format: run make fmt; these are not formatted:\n%s\n' "$$badly"; exit 1; fi

.PHONY: verify-tidy
verify-tidy: ## Check that go.mod and go.sum of every module are tidy
	$(say) 'verify: modules'
	@hack/verify/tidy.sh

.PHONY: verify-layering
verify-layering: ## Check who reaches whom
	$(say) 'verify: layers'
	@go run ./hack/verify/layering

.PHONY: verify-generated
verify-generated: ## Check that make generate would change nothing
	$(say) 'verify: generated files'
	@hack/verify/generated.sh

.PHONY: verify-manifests
verify-manifests: ## Check that every kustomization builds
	$(say) 'verify: manifests'
	@hack/verify/manifests.sh

.PHONY: verify-vulnerabilities
verify-vulnerabilities: ## Check for known vulnerabilities
	$(say) 'verify: vulnerabilities'
	@hack/verify/vulnerabilities.sh

##@ Build and run

.PHONY: build
build: ## Build the programs, and the demo's, into bin/
	$(say) 'build: $(notdir $(wildcard cmd/*))'
	@go build -o bin/ $(programs)

.PHONY: controlplane
controlplane: ## Build a control plane with kwok; prints its folder
	@hack/controlplane/build.sh --kwok

# The demo takes the shell's place, so that it gets the signals that are for make's child.
.PHONY: demo
demo: build ## Show Behalf at work in a control plane of its own; KEEP=1 leaves it running
	$(say) 'demo'
	@assets=$$(hack/controlplane/build.sh); KUBEBUILDER_ASSETS="$$assets" KEEP='$(KEEP)' exec bin/demo

.PHONY: demo-down
demo-down: build ## Stop what make demo KEEP=1 left running
	@exec bin/demo -down

##@ Test

# What test/monitoring reads lies beyond its module, where Go does not see it change: hence -count=1.
.PHONY: test
test: test-scripts build ## Run all tests: unit, golden, schema, against an API server, end to end
	$(warn_of_races)
	@export KUBEBUILDER_ASSETS; KUBEBUILDER_ASSETS=$$(hack/controlplane/build.sh); \
	printf '\n==> test: packages\n' >&2; \
	$(go_test) $$(go list ./... | grep -v '/test/e2e'); \
	printf '\n==> test: the dashboard and the alerts, with Prometheus\n' >&2; \
	go -C test/monitoring test -count=1 $(TESTFLAGS) ./...; \
	printf '\n==> test: every small world and every law, without the race detector\n' >&2; \
	go test -vet=off -timeout=20m $(TESTFLAGS) -v -run '^(TestExhaustive|TestLaws)' ./test/reference; \
	if [[ -d test/e2e ]]; then \
	  printf '\n==> test: end to end\n' >&2; \
	  $(go_test) -count=1 -v ./test/e2e/...; \
	fi

.PHONY: e2e
e2e: build ## Run the end-to-end tests with those that take minutes, and kill the store 20 times at every step
	$(say) 'e2e: the store is killed at every step of persist and swap'
	@$(go_test) -count=1 -v -run '^(TestAKilledStore|TestAPowerLoss)' ./internal/snapshot -crashes=20
	$(say) 'e2e: real processes, outages and restarts'
	@export KUBEBUILDER_ASSETS; KUBEBUILDER_ASSETS=$$(hack/controlplane/build.sh --cert-manager); \
	$(go_test) -timeout=60m -count=1 -v ./test/e2e -long; \
	$(go_test) -count=1 -v ./test/e2e/certmanager -long; \
	$(go_test) -timeout=60m -count=1 -v ./test/e2e/races -long; \
	$(go_test) -count=1 -v ./test/e2e/replicas

.PHONY: test-unit
test-unit: ## Run the tests that need no API server
	$(say) 'test: what needs no API server'
	$(warn_of_races)
	@$(go_test) -short $(PKG)

.PHONY: test-scripts
test-scripts: ## Run the tests of the scripts
	@for script in $$(hack/verify/files.sh '*_test.sh' | tr '\0' ' '); do \
	  printf '\n==> test: %s\n' "$$script" >&2; "$$script"; \
	done

# Other engines are measured by a module of its own, so that nothing else depends on them. What it reports counts only while
# nothing else runs on the machine.
.PHONY: bench
bench: ## Run the benchmarks, and compare with a floor and other engines
	$(say) 'bench'
	@go test -run '^$$' -bench . -benchmem $(TESTFLAGS) $(PKG)
	$(say) 'bench: other engines give the same answers'
	@go -C test/bench test ./...
	$(say) 'bench: the report'
	@go -C test/bench run .

.PHONY: bench-report
bench-report: ## Compare with a floor and other engines, and write it into docs/benchmarks.md
	$(say) 'bench: other engines give the same answers'
	@go -C test/bench test ./...
	$(say) 'bench: the report'
	@go -C test/bench run . -into ../../docs/benchmarks.md

# The programs, an API server and a thousand authorizers share the machine: nothing else should run on it.
.PHONY: scale
scale: build ## Measure how fast changes reach up to 1,000 authorizers; SCALE=-quick tries it out
	$(say) 'scale'
	@assets=$$(hack/controlplane/build.sh); KUBEBUILDER_ASSETS="$$assets" go run ./test/scale $(SCALE)

.PHONY: scale-report
scale-report: build ## Measure how fast changes reach authorizers, and write it into docs/benchmarks.md
	$(say) 'scale: the report'
	@assets=$$(hack/controlplane/build.sh); KUBEBUILDER_ASSETS="$$assets" go run ./test/scale -into docs/benchmarks.md $(SCALE)

.PHONY: fuzz
fuzz: ## Fuzz each target for FUZZTIME
	$(say) 'fuzz'
	@hack/fuzz.sh '$(FUZZTIME)'

##@ Clean

.PHONY: clean
clean: ## Remove what was built in the tree
	@rm -rf bin

.PHONY: clean-cache
clean-cache: ## Remove built tools and the control plane from BEHALF_CACHE
	@rm -rf '$(BEHALF_CACHE)/tools' '$(BEHALF_CACHE)/controlplane' '$(BEHALF_CACHE)/golangci-lint'
