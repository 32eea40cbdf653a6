// Package interleave runs a few goroutines under every schedule of their
// atomic steps and judges each outcome: an exhaustive search, where tests with
// real threads can only hope to meet the one interleaving that breaks a
// protocol.
//
// The code under test tells an [Explorer] of each operation on a word or mutex
// that goroutines share, before it does it; see [Explorer.Step]. There the
// explorer lets another goroutine go on, and so decides everything that a
// scheduler and a memory system of sequential consistency, which Go's atomics
// promise, can decide. Plain memory is not watched.
//
// # Reduction
//
// Two schedules are equivalent if one becomes the other by swapping adjacent
// steps of different goroutines that do not depend on each other: steps on
// different words, or two that only read. What is observed is the same in both,
// so one of them is enough. The search is the one with source sets and sleep
// sets of Abdulla, Aronis, Jonsson and Sagonas ("Optimal Dynamic Partial Order
// Reduction", POPL 2014), which goes back to Flanagan and Godefroid (POPL
// 2005): it runs a schedule, looks for pairs of dependent steps that could have
// come in the other order, and returns to before the first of each pair.
//
// A history of calls is more than its words: that one call had returned before
// another began must be told, too. [Explorer.Began] and [Explorer.Returned] are
// steps for that, of which a beginning and a return depend on each other.
//
// A loop that waits for somebody else says so by a step "spin". It goes on when
// somebody has written what it has read since it last changed anything: until
// then it would read the same again.
package interleave
