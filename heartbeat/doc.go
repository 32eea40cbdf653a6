// Package heartbeat is the client's side of a lease: when to send the next
// renewal, as pure state machines. An outcome goes in, a delay comes out;
// the caller owns the clock, the timer and the connection.
//
// [Supervisor] is com.netflix.discovery.TimedSupervisorTask, which drives the
// heartbeats of Eureka's clients (quirks S1 to S4, docs/QUIRKS.md).
package heartbeat
