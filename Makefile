# Everything here also works without make: the commands are the documentation.

.PHONY: test race verify verify-quick verify-long portable wasm emulated lint docs bench bench-floors tools

# The README's test command: all modules of the workspace.
test:
	go test work

# Short leaves out what is long and runs on one goroutine.
race:
	go test -race -short work

# Every law, with the number of its cases: in small, in full, and what takes
# hours. VERIFICATION.md says what they look for and what they found.
verify-quick:
	go run ./lab verify --quick

verify:
	go run ./lab verify

verify-long:
	go run ./lab verify --long

# 32-bit machines need aligned 64-bit atomics; other ones only have to compile.
portable: wasm
	GOARCH=386 go test work
	GOARCH=arm64 go vet work
	GOARCH=riscv64 go vet work
	GOOS=windows go vet work

# The kernels and the recordings as WebAssembly, which node runs on one thread.
wasm:
	GOOS=js GOARCH=wasm go test -short -exec "$$(go env GOROOT)/lib/wasm/go_js_wasm_exec" $(kernels) ./fuzz/replay

# The same on other processors, of which s390x has the bytes the other way round:
# emulated by Debian's package qemu-user, some minutes each. Their floats are
# emulated, their memory order is the host's.
emulated:
	GOARCH=arm64 go test -short -exec qemu-aarch64 $(kernels) ./fuzz/replay
	GOARCH=riscv64 go test -short -exec qemu-riscv64 $(kernels) ./fuzz/replay
	GOARCH=s390x go test -short -exec qemu-s390x $(kernels) ./fuzz/replay

kernels = . ./lease ./ratemeter ./preserve ./evict ./heartbeat

# Each nested module has to work without the workspace too.
lint: tools
	test -z "$$(gofmt -l .)"
	go vet work
	bin/staticcheck work
	go vet -tags interleave . ./lease ./ratemeter ./fuzz
	bin/staticcheck -tags interleave . ./lease ./ratemeter ./fuzz
	for module in fuzz bench lab examples; do (cd $$module && GOWORK=off go vet ./...) || exit 1; done

# These pages are generated; tests notice when they are stale.
docs:
	go run ./lab quirks --markdown > docs/QUIRKS.md
	go run ./lab pacers --markdown > docs/PACERS.md
	go run ./lab verify --page > VERIFICATION.md
	go run ./lab verify --bugs > docs/BUGS.md

# Three quarters of an hour, on a machine that does nothing else; BENCHMARKS.md says how to read it.
bench:
	go run ./bench --json docs/bench/run.json
	go run ./bench --large --peers ours,rwmutex64,xsync,etcd,floor --json docs/bench/large.json
	go run ./bench page

bench-floors: tools
	go test -run '^$$' -bench . -count 6 -cpu 1,2 ./bench | tee bench.out
	bin/benchstat bench.out

# The linters are tools of a module of their own, never of the root.
tools:
	cd tools && GOWORK=off go build -o ../bin/ honnef.co/go/tools/cmd/staticcheck golang.org/x/perf/cmd/benchstat
