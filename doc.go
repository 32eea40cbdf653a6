// Package leasekernel is a lease kernel for service registries: it decides
// who is alive, when the silent may be evicted, and when the registry should
// rather suspect itself.
//
// A [Kernel] is what a registry embeds: Register, Renew and Cancel for what its
// clients send, [Kernel.Tick] or [Kernel.Run] for the passes that find suspect
// and evict, and [Kernel.Explain] for whoever asks why. [Exact] are the
// recommended rules; [Eureka] does what a release of Netflix Eureka does, to the
// bit, for every family of its releases since v1.2.5, and [Nacos] and [Bilibili]
// what these do.
//
// It composes four packages, which import only the standard library and not
// each other, and can be used by themselves; a fifth is for clients:
//
//   - lease: a holder's lease, its term, renewal, expiry and end; tables of
//     leases.
//   - ratemeter: how many renewals arrive per window.
//   - preserve: whether so many are missing that eviction is withheld.
//   - evict: how many victims a pass may take, which, and what it forgives.
//   - heartbeat: when a client sends its next renewal, or registers again.
//
// Time is an argument: no package reads a clock, starts a goroutine, sleeps
// or logs. So is randomness. The same calls, one after the other, with the same
// instants and the same seed evict the same leases everywhere, whatever the hash
// seeds (as long as instants do not go back by more than two of the meter's
// windows).
package leasekernel
