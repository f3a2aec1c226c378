# What a person types. CI runs the same targets through .ci/run.

# vals without its 150 MB of other clouds; every go command needs them.
TAGS  := custom_providers,aws
GO    ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# Nothing waits for the AWS SDK but the network: without inlining it is 2 MB smaller.
GCFLAGS := github.com/aws/...=-l
LDFLAGS := -s -w -X main.version=$(VERSION)

.PHONY: demo test lint bench fuzz integration chaos chaos-long build image clean

## demo: play the runs of the product on a simulated GitLab, then stay up
demo: build
	./bin/lockstep demo

## test: every test, and 10,000 random histories of people around a run. The race
## detector watches each package's own tests, and the whole program in its demo; the tests
## that start that program a hundred times go without, because SQLite, which is C in the
## clothes of Go, is five times slower when watched.
test:
	$(GO) test -race -tags $(TAGS) -timeout 10m $$($(GO) list ./... | grep -v /cmd/)
	RAPID_CHECKS=10000 $(GO) test -tags $(TAGS) -run 'LosesNothing$$' ./rollback
	$(GO) run -race -tags $(TAGS) ./cmd/lockstep demo --once
	$(GO) test -tags $(TAGS) -timeout 15m -parallel 6 ./cmd/lockstep

## build: the static binary
build:
	CGO_ENABLED=0 $(GO) build -trimpath -tags $(TAGS) -gcflags '$(GCFLAGS)' -ldflags '$(LDFLAGS)' -o bin/lockstep ./cmd/lockstep

## lint: format, vet, staticcheck, a tidy go.mod, shell scripts
lint:
	@test -z "$$(gofmt -l cmd bot gitops gates rollback fixtures)" || { gofmt -l cmd bot gitops gates rollback fixtures; echo 'run gofmt -w on these'; exit 1; }
	@test -z "$$($(GO) tool gofumpt -l cmd bot gitops gates rollback fixtures)" || { $(GO) tool gofumpt -l cmd bot gitops gates rollback fixtures; echo 'run go tool gofumpt -w on these'; exit 1; }
	$(GO) vet -tags $(TAGS) ./...
	$(GO) tool staticcheck -tags $(TAGS) ./...
	$(GO) mod tidy -diff
	for script in .ci/run .ci/integration .ci/chaos .ci/fuzz; do bash -n "$$script" || exit 1; done
	for script in .ci/postgres .ci/prometheus .ci/s3; do sh -n "$$script" || exit 1; done

## bench: benchmarks, each against a peer in the same run; the last one fails when gitops/repo
## misses a binding goal. It keeps its repositories in TMPDIR, where the peers clone, too.
bench:
	$(GO) test -tags $(TAGS) -run '^$$' -bench . -benchtime 2s ./gitops/... ./bot/data
	LOCKSTEP_BENCH=1 $(GO) test -tags $(TAGS) -count 1 -timeout 15m -run '^TestBench$$' -v ./gitops/repo

## fuzz: every fuzz target for FUZZTIME
FUZZTIME ?= 5s
fuzz:
	FUZZTIME=$(FUZZTIME) TAGS=$(TAGS) .ci/fuzz

## integration: the store, the engine and the kill points on a real PostgreSQL, copies of
## data on a real S3 (versitygw), the Prometheus gate on a real Prometheus
integration:
	.ci/integration

## chaos: kill the program at every mutating request of the longer runs
chaos:
	TAGS=$(TAGS) .ci/chaos

## chaos-long: the same at every request that shows how a run stands, too
chaos-long:
	TEST_CHAOS=long TAGS=$(TAGS) .ci/chaos

## image: the container image
IMAGE ?= lockstep:$(VERSION)
image:
	docker build --build-arg VERSION=$(VERSION) -t $(IMAGE) .

clean:
	rm -rf bin
