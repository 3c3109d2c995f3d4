# What a machine needs: Go, as go.mod says; to test also a C compiler (for the race detector), bash and curl,
# and for the servers that tests talk to Java 17, Maven and npm.
# `make test` is all there is to know.

GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 60s
# Before 1.27 the end of a fuzzing run is now and then reported as a failure, "context deadline exceeded": https://go.dev/issue/75804
FUZZGO   := go1.27.4
BENCH    ?=

.PHONY: run test race lint fuzz bench bench-backends

run: ## serve on 127.0.0.1:8080, data in ./identity-data
	go run ./cmd/identity serve

test: ## everything, with the race detector
	go vet ./...
	go test -race -shuffle=on -timeout 60m ./...

race: ## what runs concurrently, again and again
	go test -race -count=5 ./eventstream/... ./commands ./queries/... ./sync/...

lint:
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	go vet ./...
	go run $(GOLANGCI) run

fuzz: ## every fuzz target for FUZZTIME, two at once
	@grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . \
	  | sed 's|/[^/]*_test.go:func | |' \
	  | xargs -P 2 -L 1 sh -c 'echo "fuzz $$0 $$1"; GOTOOLCHAIN=$(FUZZGO) go test -run="^$$" -fuzz="^$$1\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=10x -parallel=1 $$0 >fuzz-$$1.out 2>&1 || { cat fuzz-$$1.out; exit 255; }; rm -f fuzz-$$1.out'

bench: ## figures beside a floor server; BENCH="--sizes 1000 --only get" for some of them
	go run ./internal/bench $(BENCH)

bench-backends: ## figures over DynamoDB Local beside the SDK alone, and what the synchroniser costs
	go test -run='^$$' -bench=Backends -benchtime=1x ./cmd/identity ./sync
