// Package preserve decides whether expired leases may be evicted, or whether
// so many renewals are missing that the registry has to suspect itself:
// self-preservation.
//
// [Calculator] is the arithmetic of Netflix Eureka from v1.2.5 to v2.0.6, of
// Spring Cloud Netflix and of bilibili/discovery, chosen by [Release], to the
// bit (quirks T1 to T11, T14 and T15, docs/QUIRKS.md). [Expectation] is the
// exact rule: it expects of every lease the renewals that its own interval
// promises.
//
// Both answer with a [Decision], a value that carries every number that led
// to it. The gate, the metrics and the explanation should all use that one
// value.
package preserve
