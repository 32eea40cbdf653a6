module github.com/leasekernel/leasekernel/fuzz

go 1.25

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/benbjohnson/clock v1.3.5
	github.com/google/go-cmp v0.7.0
	github.com/leasekernel/leasekernel v0.0.0
	pgregory.net/rapid v1.3.0
)

require golang.org/x/tools v0.39.0

replace github.com/leasekernel/leasekernel => ../
