// Package lease holds the lease: a holder's right to be considered alive,
// granted for a term, renewed by heartbeats, lost in silence.
//
// A [Lease] is one; a [Table] keeps millions of them by key. Both follow one of
// four rules, chosen by the [Term]:
//
//   - [Exact]: it expires one Duration after its last renewal, measured on the
//     monotonic clock where the instants carry one, to the nanosecond.
//   - [Eureka]: it does what com.netflix.eureka.lease.Lease does in every
//     release from v1.4.12 to v2.0.6, in wall-clock milliseconds: a renewal
//     doubles the duration, seconds overflow at 32 bits, sums wrap at 64.
//   - [Nacos]: it is suspect after one time and expires after another, as
//     instances of Nacos 1.x are, in wall-clock milliseconds.
//   - [Bilibili]: it expires one Duration after its last renewal, in wall-clock
//     milliseconds, as instances of bilibili/discovery do.
//
// Time is an argument: nothing here reads a clock. Hand one lease instants of
// one clock only; instants with and without a monotonic reading do not mix.
//
// Numbers such as L1 name quirks of the originals, told one by one in
// docs/QUIRKS.md and by the command "go run ./lab quirks".
package lease
