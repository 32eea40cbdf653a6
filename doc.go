// Package leasekernel is a lease kernel for service registries: it decides
// who is alive, when the silent may be evicted, and when the registry should
// rather suspect itself.
//
// The work is done by five packages that import only the standard library and
// not each other; they meet through plain values:
//
//   - lease: a holder's lease, its term, renewal, expiry and end.
//   - ratemeter: how many renewals arrive per window.
//   - preserve: whether so many are missing that eviction is withheld.
//   - evict: how many victims a pass may take, which, and what it forgives.
//   - heartbeat: when a client sends its next renewal.
//
// Each has exact rules, which are recommended, and rules that do what Netflix
// Eureka does, to the bit, for every family of its releases since v1.2.5.
//
// Time is an argument: no package reads a clock, starts a goroutine, sleeps
// or logs. So is randomness. The same calls with the same instants and the
// same seed give the same results everywhere.
package leasekernel
