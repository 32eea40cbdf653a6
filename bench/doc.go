// Package bench measures the kernels' hot operations beside the cheapest code
// that could do the same job, the floor: a bare atomic operation, a bare
// conversion of an instant, a generator of the standard library, a sum of as
// many words. Where there is no such floor there are peers: 64 maps behind
// locks, and the standard library's concurrent map.
//
//	go test -bench . -count 6 -cpu 1,2 ./bench
//
// LEASEKERNEL_BENCH_LARGE=1 adds what needs ten million leases.
//
// Each benchmark has its floor and ours as sub-benchmarks of the same run, so
// that their ratio holds on a machine whose speed drifts. Instants are given;
// no benchmark reads a clock inside its loop but those that measure a part of
// it or the latency of single operations, ours and peers alike.
package main
