// Package bench measures the kernels' hot operations beside the cheapest code
// that could do the same job, the floor: a bare atomic operation, a bare
// conversion of an instant, a generator of the standard library.
//
//	go test -bench . -count 6 -cpu 1,2 ./bench
//
// Each benchmark has its floor and ours as sub-benchmarks of the same run, so
// that their ratio holds on a machine whose speed drifts. Instants are given;
// no benchmark reads a clock inside its loop.
package bench
