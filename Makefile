# `make demo` and `make test` need Go and git alone. `make test-all` installs what else it needs.

# The race detector needs a C compiler.
RACE := $(shell command -v $$(go env CC) >/dev/null 2>&1 && echo -race)
REDOC := redoc@2.5.4
AXE := axe-core@4.14.1
REDOCLY := npx --yes @redocly/cli@2.77.0
export REDOCLY_TELEMETRY := off

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-13s %s\n", $$1, $$2}'

.PHONY: demo
demo: ## run a check from the first call to the results, on the built-in sandbox
	@go run ./cmd/aver demo

.PHONY: onboarding
onboarding: ## run a web application that verifies its customers, on a sandbox of its own (AVER_… for the real service)
	@cd examples/onboarding && go run . $(if $(AVER_API_KEY),,-sandbox)

.PHONY: screening
screening: ## search watchlists for 1,000 people who do not exist, on a sandbox of its own; interrupt it and run it again
	@mkdir -p build && cd screening && go build -o ../build/aver-screen ./cmd/aver-screen
	@test -f build/people.csv || build/aver-screen made-up 1000 > build/people.csv
	@build/aver-screen run build/people.csv --sandbox
	@build/aver-screen results build/people.sandbox.db --format html -o build/people.html && echo "build/people.html says what came of them"

.PHONY: sandbox
sandbox: ## serve the sandbox until Ctrl-C (with the reference at /docs, after make docs)
	@go run ./cmd/aver sandbox --docs "$(wildcard build/docs.html)"

.PHONY: docs
docs: node ## write the API reference, one HTML file that needs no network: build/docs.html
	@mkdir -p build && cd build && { test -f package/bundles/redoc.standalone.js || { npm pack --silent $(REDOC) && tar xzf redoc-*.tgz; }; }
	go run ./cmd/aver docs --redoc build/package/bundles/redoc.standalone.js --out build/docs.html

.PHONY: generate
generate: ## write all generated code from openapi.yaml
	go generate .

.PHONY: test
test: ## check generated code, format, vet, staticcheck, races and examples
	@test -z "$(RACE)" && echo 'make: no C compiler, testing without the race detector' || true
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); \
		test -z "$$unformatted" || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	go mod tidy -diff
	go vet ./...
	go run honnef.co/go/tools/cmd/staticcheck ./...
	go test $(RACE) -p 4 ./...

.PHONY: test-all
test-all: node lint ## what make test does not: what needs node, a browser, a server or the peers
	cd bench && go generate ./peer && go mod tidy -diff && go vet ./... && go test ./...
	cd internal/release && go mod tidy -diff && go vet ./... && go test ./...
	cd examples/onboarding && go mod tidy -diff && go vet ./... && go test $(RACE) ./...
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { apt-get update && apt-get install -y postgresql; }
	cd screening && go mod tidy -diff && go vet ./... && AVER_POSTGRES=1 go test $(RACE) ./...
	$(MAKE) --no-print-directory spec-diff
	$(MAKE) --no-print-directory docs
	@command -v chromium >/dev/null || { apt-get update && apt-get install -y chromium fonts-wqy-zenhei; }
	@test -f build/axe/axe.min.js || \
		{ mkdir -p build/axe && cd build/axe && npm pack --silent $(AXE) && tar xzf axe-core-*.tgz --strip-components=1; }
	cd internal/browser && go mod tidy -diff && go vet ./... && AVER_DOCS=$(CURDIR)/build/docs.html AVER_AXE=$(CURDIR)/build/axe/axe.min.js \
		go test -count=1 -v ./...
	$(MAKE) --no-print-directory explore
	AVER_THROUGH_CLIENT=1 go test . -run TestThroughTheHTTPClient -count=1
	AVER_PRISM=1 go test ./contract -run TestSecondOpinion -count=1 -v
	AVER_NODE=node go test ./cmd/aver -run TestIndependentClient -count=1 -v

.PHONY: spec-diff
spec-diff: ## what changed since BASE (a git revision; the last tag or the parent commit), breaking or not
	@cd internal/release && go run . -base "$(BASE)"

.PHONY: release-check
release-check: ## say whether what is committed can be released: version, changelog, tag, what breaks, a program outside
	@cd internal/release && go run . -check

.PHONY: chaos
chaos: ## create, submit and hear of 10,000 checks while calls and notifications go wrong, and count
	@go run ./cmd/aver chaos
	@echo && go run ./cmd/aver chaos notifications
	@echo && go run ./cmd/aver chaos outage

.PHONY: contract
contract: ## call every operation and hold both sides against the contract (AVER_… for the real service)
	@go run ./cmd/aver contract run

.PHONY: explore
explore: ## put thirty faults into a copy of the sandbox, one at a time, and see which of them aver contract explore finds
	@AVER_FAULTS=1 go test ./contract/explore -run TestFaultsAreFound -count=1 -v -timeout 30m

SEEDS ?= 10000
.PHONY: simulate
simulate: ## run SEEDS histories of callers, faults and restarts in virtual time, and check what is left of each
	@cd internal/simulation && go test -run TestHistories -count=1 -timeout 24h -seeds $(SEEDS)

.PHONY: simulate-bugs
simulate-bugs: ## put bugs into a copy of the client, one at a time, and see within how many histories each is found
	@AVER_BUGS=1 go test ./internal/simulation -run TestBugsAreFound -count=1 -v -timeout 2h

.PHONY: screen-chaos
screen-chaos: ## screen 100,000 rows while processes are killed and answers go wrong; counts what is doubled or lost
	cd screening && go test . -run Killed -rows $(or $(ROWS),100000) -every 3s -count=1 -v -timeout 0

.PHONY: bench
bench: ## measure beside peers; writes the tables and plots of the pages (ROUNDS=3 ONLY=calls measures less)
	@cd bench && go generate ./peer 2>/dev/null && go run . -rounds $(or $(ROUNDS),7) -only "$(ONLY)"

.PHONY: lint
lint: node ## lint openapi.yaml
	$(REDOCLY) lint openapi.yaml

.PHONY: node
node:
	@command -v npx >/dev/null || { apt-get update && apt-get install -y nodejs npm; }
