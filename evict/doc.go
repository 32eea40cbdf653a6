// Package evict decides how many of the expired leases a pass evicts, which
// ones, and how much lateness of the pass it forgives them.
//
// [Limit], [Pick] and [Compensation] are the exact rules. [EurekaLimit],
// [JavaRandom] and [EurekaCompensation] are what Netflix Eureka computes, to
// the bit: the first two since v1.3.0, the third since v1.4.9 (quirks E1 to
// E3 and E5, docs/QUIRKS.md).
//
// Randomness is an argument, like time: the same source in the same state
// picks the same victims on every machine.
package evict
