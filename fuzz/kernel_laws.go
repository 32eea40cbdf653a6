package fuzz

import (
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/fuzz/law"
)

var (
	kernelAsModelled   = law.New("kernel-as-modelled", "a kernel shows and answers what its model does")
	changesToldOnce    = law.New("changes-told-once", "every change is reported exactly once, in the order in which it happened")
	expectsWhatLives   = law.New("expects-what-lives", "the exact rules expect the sum of what the live leases promise")
	gateIsOne          = law.New("gate-is-one", "the gate, the status and the verdict go by one decision")
	neverEvictedEarly  = law.New("never-evicted-early", "an exact lease is never evicted before its last renewal + term + compensation")
	warnsBefore        = law.New("warns-before", "an exact lease with a suspect stage is evicted only after it was reported suspect and stayed so for its dwell")
	turnsAlternate     = law.New("turns-alternate", "the turns of a key alternate: suspected, healed, suspected")
	healsAtOnce        = law.New("heals-at-once", "a renewal heals at once, and is told once")
	exemptIsExempt     = law.New("exempt-is-exempt", "an exempt lease is neither found suspect nor evicted")
	othersDecide       = law.New("others-decide", "what others are responsible for is neither found suspect nor evicted by a pass")
	suspectsAreCounted = law.New("suspects-are-counted", "Status counts the suspects")
	findsWhoIsSilent   = law.New("finds-who-is-silent", "a pass finds suspect those who are silent beyond their term's suspect stage, in the order of their registration")
	explainsExactly    = law.New("explains-exactly", "the earliest pass that Explain names is the first planned one that can evict the lease")
	evictsWhoIsDrawn   = law.New("evicts-who-is-drawn", "a pass evicts, or proposes, those whom its source draws from the expired, in the order of their registration")
	rescuesWhoChanged  = law.New("rescues-who-changed", "what was renewed, replaced or cancelled since the pass saw it is rescued, and counted once")
	passesKeepTheirDue = law.New("passes-keep-their-due", "a pass runs if it is due, once, and is due again an interval after it ran")
	exactDeafToSteps   = law.New("exact-deaf-to-steps", "a step of the wall clock changes nothing that an exact kernel does, if its instants carry a monotonic reading")
	passesLikeJava     = law.New("passes-like-java", "an eviction pass with the meter's interval runs when the meter rotates, whatever the wall clock does")
)

// follower follows what reports tell of each key, and goes by nothing else.
type follower struct {
	inherits bool // the key of a suspect lease gets a suspect one (quirk N7)
	sequence uint64
	kinds    map[leasekernel.Kind]int
	keys     map[int]toldKey
}

// toldKey is what has been told of a key.
type toldKey struct {
	there, suspect bool
	number         int
	since          time.Time
}

func newFollower(inherits bool) *follower {
	return &follower{inherits: inherits, kinds: make(map[leasekernel.Kind]int), keys: make(map[int]toldKey)}
}

func (f *follower) follow(t law.T, change intKernelChange) {
	t.Helper()
	changesToldOnce.Holds(t, change.Sequence > f.sequence, "number %d comes after %d", change.Sequence, f.sequence)
	f.sequence = change.Sequence
	f.kinds[change.Kind]++
	told, seen := f.keys[change.Key], change.Lease
	is := func(which *law.Law, kept bool) {
		t.Helper()
		which.Holds(t, kept, "%v of %d, lease %d, suspect %t, number %d; told so far: %+v",
			change.Kind, change.Key, seen.Holder(), seen.Suspected(), change.Sequence, told)
	}
	switch change.Kind {
	case leasekernel.Registered:
		is(turnsAlternate, !told.there && !seen.Suspected())
		told = toldKey{there: true, number: seen.Holder()}
	case leasekernel.Replaced:
		is(turnsAlternate, told.there && change.Old.Holder() == told.number && change.Old.Suspected() == told.suspect)
		is(turnsAlternate, seen.Suspected() == (f.inherits && told.suspect))
		told.number, told.suspect = seen.Holder(), seen.Suspected()
	case leasekernel.Suspected:
		is(turnsAlternate, told.there && seen.Holder() == told.number && !told.suspect && seen.Suspected())
		is(exemptIsExempt, !seen.Exempt())
		told.suspect, told.since = true, change.At
	case leasekernel.Healed:
		is(turnsAlternate, told.there && seen.Holder() == told.number && told.suspect && !seen.Suspected())
		is(healsAtOnce, !seen.Exempt())
		told.suspect = false
	case leasekernel.Cancelled, leasekernel.Evicted:
		is(turnsAlternate, told.there && seen.Holder() == told.number && told.suspect == seen.Suspected())
		told = toldKey{}
	}
	f.keys[change.Key] = told
}

// followWarned follows an eviction by a pass of a lease that has to have been
// suspect for a dwell.
func (f *follower) followWarned(t law.T, change intKernelChange, dwell time.Duration) {
	t.Helper()
	told := f.keys[change.Key]
	warnsBefore.Holds(t, told.suspect && passed(told.since, change.At).Cmp(sumOf(dwell)) >= 0, "%d is evicted at %v, with a dwell of %v: %+v",
		change.Key, change.At, dwell, told)
}
