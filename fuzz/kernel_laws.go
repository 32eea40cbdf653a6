package fuzz

import (
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/fuzz/law"
)

var (
	kernelAsModelled   = law.New("kernel-as-modelled", "a Kernel answers and shows what a model of slices and exact fractions does after the same calls")
	grantsInRange      = law.New("grants-in-range", "a Kernel grants a registration if and only if its term, its instant and the number of leases are in range")
	renewalsAnswered   = law.New("renewals-answered", "a Kernel answers a renewal with true if and only if the key has a lease that takes it")
	renewalsCounted    = law.New("renewals-counted", "a renewal that was answered with true is counted once, in its window, and no other is")
	changesToldOnce    = law.New("changes-told-once", "every change is told in exactly one report, in the order in which it happened, and counted")
	turnsAlternate     = law.New("turns-alternate", "what reports tell of a key is one story: a lease begins before it ends, and is suspected and healed in turn")
	lastTransitions    = law.New("last-transitions", "Explain tells the last transitions of a key, as far as the history goes back")
	oneDecision        = law.New("one-decision", "the pass, the status and the verdict go by the same decision, which is the rules'")
	expectsWhatLives   = law.New("expects-what-lives", "the exact rules expect the sum of what the live leases promise")
	limitOfTheRules    = law.New("limit-of-the-rules", "a pass may evict as many leases as its rules say: reckoned in exact fractions, or as the original reckons")
	latenessForgiven   = law.New("lateness-forgiven", "a pass that comes late forgives every lease what its rules say, the exact ones the lateness to the nanosecond")
	neverEvictedEarly  = law.New("never-evicted-early", "no pass evicts an exact lease before its term and what the pass forgives have passed since its last renewal")
	warnedBefore       = law.New("warned-before-evicted", "by the exact rules a pass evicts a lease with a suspect stage only if reports told it suspect and it has been so for its dwell")
	healsAtOnce        = law.New("heals-at-once", "a suspect lease stays so, since the same instant, until a renewal heals it, at once; one that is exempt is not healed")
	exemptIsExempt     = law.New("exempt-is-exempt", "a pass neither finds suspect nor evicts a lease that is exempt")
	othersDecide       = law.New("others-decide", "a pass neither finds suspect nor evicts what another server is responsible for")
	findsWhoIsSilent   = law.New("finds-who-is-silent", "a pass finds suspect all who have been silent beyond the suspect stage of their term, in the order of their registration")
	explainsExactly    = law.New("explains-exactly", "the first planned pass that can evict a lease, found by running them all, is the one that Explain names")
	evictsWhoIsDrawn   = law.New("evicts-who-is-drawn", "a pass evicts, or proposes, those whom its source draws from the expired in the order of their registration")
	rescuesWhoChanged  = law.New("rescues-who-changed", "a victim that was renewed, replaced, cancelled or exempted since the pass saw it is rescued")
	passesKeepTheirDue = law.New("passes-keep-their-due", "a pass runs if it is due, once, and is due again when its rules say")
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
	warnedBefore.Holds(t, told.suspect && passed(told.since, change.At).Cmp(sumOf(dwell)) >= 0, "%d is evicted at %v, with a dwell of %v: %+v",
		change.Key, change.At, dwell, told)
}
