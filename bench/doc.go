// Command bench measures leasekernel beside what a user would pick instead.
//
//	go run ./bench                            measure, and print tables
//	go run ./bench --quick                    the same in little, within three minutes
//	go run ./bench --large                    how costs grow to ten million leases
//	go run ./bench compare OLD.json NEW.json  say what became slower beyond the noise
//	go run ./bench page                       write the kept runs' tables and plots into the pages
//
// Who is measured is in bench/peer, what is measured in bench/load, and what
// becomes of it in bench/report. This package chooses, starts a process for each
// peer, and puts the answers together.
//
// Its tests are benchmarks of another kind: the kernels' hot operations beside
// the cheapest code that could do the same job, the floor: a bare atomic
// operation, a bare conversion of an instant, a generator of the standard
// library, a sum of as many words.
//
//	go test -bench . -count 6 -cpu 1,2 ./bench
//
// LEASEKERNEL_BENCH_LARGE=1 adds what needs ten million leases. Each benchmark
// has its floor and ours as sub-benchmarks of the same run, so that their ratio
// holds on a machine whose speed drifts. Instants are given; no benchmark reads
// a clock inside its loop but those that measure a part of it or the latency of
// single operations, ours and peers alike.
package main
