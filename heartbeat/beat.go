package heartbeat

import "fmt"

// The codes of Nacos's answers to a beat.
const (
	BeatOK       = 10200 // the instance is known, or registered now
	BeatNotFound = 20404 // the instance is unknown: register it again
)

// DefaultBeatIntervalMillis is the beat interval of a Nacos instance, in
// milliseconds, whose own cannot be read.
const DefaultBeatIntervalMillis = 5000

// BeatAnswer is Nacos's answer to a beat as it goes over the wire. The server
// gets it from [BeatSwitch.Handle], the client gives it to
// [Reactor.Answered].
type BeatAnswer struct {
	// Code ("code") is BeatOK or BeatNotFound. A client takes any other for
	// BeatOK, and so one that is absent, 0 here.
	Code int
	// IntervalMillis ("clientBeatInterval") is when the next beat is due, in
	// milliseconds after this answer; 0 or less leaves it to the client. It
	// is as wide as the original's long, which no [time.Duration] holds.
	IntervalMillis int64
	// Light ("lightBeatEnabled") allows light beats. A client takes an absent
	// one for false.
	Light bool
	// HasLight is whether a server writes lightBeatEnabled into the answer. A
	// client need not set it.
	HasLight bool
}

// BeatVerdict is what the server does about a beat.
type BeatVerdict uint8

const (
	// RenewLease: the instance is known. The beat renews its lease and
	// changes nothing else, even if it is full (quirk N16).
	RenewLease BeatVerdict = iota
	// RegisterFromBeat: the instance is unknown, but the beat describes it.
	// Register it as described; that is a renewal as well.
	RegisterFromBeat
	// AskToRegister: the instance is unknown and the beat is light. Nothing
	// is registered; the answer asks the client to do so.
	AskToRegister
)

// String returns "renew", "register" or "ask to register".
func (v BeatVerdict) String() string {
	switch v {
	case RenewLease:
		return "renew"
	case RegisterFromBeat:
		return "register"
	case AskToRegister:
		return "ask to register"
	}
	return fmt.Sprintf("BeatVerdict(%d)", uint8(v))
}

// Beat is what Nacos's server has to know of a beat that arrived. The zero
// value is a light beat of an unknown instance.
type Beat struct {
	// Known is whether the instance has a lease.
	Known bool
	// Full is whether the beat describes the instance. A light one only names
	// it.
	Full bool
	// HasInterval is whether the instance says how often it beats: the known
	// one if there is one, otherwise the one that the beat describes.
	HasInterval bool
	// IntervalMillis is what it says, in milliseconds. An interval that is
	// given but cannot be read, as "" or "5s", is not absent: it counts as
	// DefaultBeatIntervalMillis (quirk N15).
	IntervalMillis int64
}

// BeatSwitch is what a Nacos server tells all clients whose instances do not
// say otherwise (SwitchDomain). It is a value: anyone may copy and use it.
type BeatSwitch struct {
	// IntervalMillis is the answered interval in milliseconds, 5000 by
	// default. It is answered whatever it is, 0 and less too (quirk N15).
	IntervalMillis int64
	// Light allows light beats, as by default.
	Light bool
}

// Handle decides about a beat as Nacos 1.4.2 does (InstanceController.beat,
// quirks N14 and N15). Whoever has to register again is told the switch's
// interval, whatever the instance says, and nothing about light beats.
func (s BeatSwitch) Handle(beat Beat) (BeatVerdict, BeatAnswer) {
	if !beat.Known && !beat.Full {
		return AskToRegister, BeatAnswer{Code: BeatNotFound, IntervalMillis: s.IntervalMillis}
	}
	answer := BeatAnswer{Code: BeatOK, IntervalMillis: s.IntervalMillis, Light: s.Light, HasLight: true}
	if beat.HasInterval {
		answer.IntervalMillis = beat.IntervalMillis
	}
	if beat.Known {
		return RenewLease, answer
	}
	return RegisterFromBeat, answer
}
