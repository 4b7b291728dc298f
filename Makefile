# The two that matter: make run, make test. Nothing but Go is needed to run or
# build; make test installs what it lacks where it can.

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# gin's msgpack codec is its largest part, and nothing here speaks msgpack.
export GOFLAGS := $(GOFLAGS) -tags=nomsgpack

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOTESTSUM   := gotest.tools/gotestsum@v1.13.0
CYCLONEDX   := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.9.0
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.1.4

# Everything but the top folder, whose tests start whole servers and browsers.
UNITS = $(shell go list ./... | grep -vx chengyin)

.PHONY: run build static test lint typecheck units whole test-mysql golden coverage coverage-field page-weight bench-submit bench-list bench-frame bench-work sbom vulnerabilities setup clean

run: ## the demo city on SQLite at http://127.0.0.1:8080
	CGO_ENABLED=0 go run . serve --demo

build: ## one static binary, ./chengyin
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o chengyin .

static: build ## says so when the binary would need a library of the machine
	@! readelf -d chengyin | grep NEEDED
	@ls -l chengyin | awk '{printf "chengyin: static, %.1f MB\n", $$5/1e6}'

test: setup lint typecheck units whole ## every check and every test

setup:
	@scripts/setup.sh

lint:
	@bad=$$(git ls-files '*.go' | xargs gofmt -l); if [ -n "$$bad" ]; then echo "not formatted by gofmt:" $$bad; exit 1; fi
	CGO_ENABLED=0 go vet ./...
	CGO_ENABLED=0 go run $(STATICCHECK) ./...

typecheck:
	@scripts/typecheck.sh

units: ## with the race detector
	CGO_ENABLED=0 go run $(GOTESTSUM) --format pkgname --format-hide-empty-pkg --raw-command -- \
		env CGO_ENABLED=1 go test -json -race -timeout 20m $(UNITS)

whole: ## servers that are killed, browsers, the order of the packages; printed: what was skipped and why
	CGO_ENABLED=0 go run $(GOTESTSUM) --format testname -- -timeout 20m .

test-mysql: ## every test on the server that TEST_MYSQL_DSN names
	@test -n "$(TEST_MYSQL_DSN)" || { echo "set TEST_MYSQL_DSN=mysql://USER:PASS@HOST:PORT/NAME"; exit 2; }
	CGO_ENABLED=0 go test -count=1 ./...

golden: ## writes the golden files anew; read the difference before you commit it
	CGO_ENABLED=0 go test -count=1 $$(git grep -l '"update"' -- '*_test.go' | xargs -n1 dirname | sort -u | sed 's|^|./|') -update

coverage: ## how often intervals cover the truth: writes the tables of docs/methods/coverage.md anew
	CGO_ENABLED=0 go test -count=1 ./stats/estimate -run '^TestCoverageOfProportions$$' -update

coverage-field: ## the same from the draw to the score, over 400 simulated waves: writes the tables of docs/methods/field-coverage.md anew
	CGO_ENABLED=0 go test -count=1 -timeout 90m ./survey/demo -run '^TestFieldCoverage$$' -waves 400 -update

page-weight: ## what the resident's page costs on a slow link
	CGO_ENABLED=0 go test -count=1 -v -run '^TestPageWeight' .

bench-submit: ## durable submissions a second beside bare INSERTs on the same server
	CGO_ENABLED=0 go test -run '^$$' -bench '^BenchmarkSubmit$$' -benchtime 20000x -timeout 20m .

sbom: build ## chengyin.cdx.json: every module in ./chengyin with its version and hash, as CycloneDX
	CGO_ENABLED=0 go run $(CYCLONEDX) bin -json -version $(VERSION) -output chengyin.cdx.json chengyin

vulnerabilities: ## known ones that this program can reach; asks vuln.go.dev
	CGO_ENABLED=0 go run $(GOVULNCHECK) ./...

bench-list: ## the newest responses of a community among a million
	CGO_ENABLED=0 go test -run '^$$' -bench '^BenchmarkList$$' -benchtime 2000x -timeout 30m ./survey/response

bench-work: ## the progress of a district with 3,000 drawn households
	CGO_ENABLED=0 go test -run '^$$' -bench '^BenchmarkWork$$' -timeout 10m ./survey/fieldwork

bench-frame: ## import a list of 200,000 households, Excel and CSV, into both databases, and draw from it
	CGO_ENABLED=0 go test -run '^$$' -bench '^BenchmarkFrame$$' -benchtime 1x -timeout 30m ./survey/sample

clean:
	rm -f chengyin chengyin.cdx.json
