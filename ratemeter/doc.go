// Package ratemeter counts renewals per window.
//
// [MeasuredRate] is com.netflix.eureka.util.MeasuredRate as it stands in
// Eureka v1.4.9 and later: two buckets, the current one being counted and the
// last one being shown, exchanged by a timer with a fixed delay. It is a
// tumbling window, with the blind first window and the stale counts that
// follow from it (quirks R1 to R5, docs/QUIRKS.md).
//
// [Sliding] is the exact rule's meter: a window that slides, with nothing to
// start, stop or call in time.
//
// No goroutine and no clock: the owner passes the instants that it has.
// Counting takes no lock.
package ratemeter
