// Package ratemeter counts renewals per window.
//
// [MeasuredRate] is com.netflix.eureka.util.MeasuredRate as it stands in
// Eureka v1.4.9 and later: two buckets, the current one being counted and the
// last one being shown, exchanged by a timer with a fixed delay. It is a
// tumbling window, with the blind first window and the stale counts that
// follow from it (quirks R1 to R5, docs/QUIRKS.md).
//
// No goroutine and no clock: the owner calls Tick with the instant that it
// has, whenever it likes or when NextTick says. Counting takes no lock and
// does not wait for Tick.
package ratemeter
