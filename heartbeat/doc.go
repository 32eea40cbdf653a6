// Package heartbeat is the client's side of a lease: when to send the next
// renewal, as pure state machines. An outcome goes in, a delay comes out;
// the caller owns the clock, the timer and the connection.
//
// [Pacer] is the client that this package recommends, [EurekaClient] the loop of
// Eureka's; [Run] drives either of them, or any [Client], over a [Transport].
// [Advice] and [Spread] are for servers: which interval to ask for, and when to
// let the leases end that were taken over.
//
// [Supervisor] is com.netflix.discovery.TimedSupervisorTask, which drives the
// heartbeats of Eureka's clients (quirks S1 to S4, docs/QUIRKS.md).
//
// [Reactor] is com.alibaba.nacos.client.naming.beat.BeatReactor, which drives
// those of Nacos's clients, and [BeatSwitch] is what Nacos's server does about
// a beat (quirks N14 to N30).
package heartbeat
