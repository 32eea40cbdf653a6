package leasekernel

import (
	"time"

	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// Config is what a [Kernel] starts with: plain data, to copy, compare and
// print. Begin with a preset, [Exact] if nothing else is asked for, change
// what has to be different and let [Config.Validate] say what that means.
type Config struct {
	// Release selects the rules. Zero: the exact ones. Else those of a
	// release, faithfully: its meter, its arithmetic of preservation, its
	// passes.
	Release preserve.Release

	// Term is the term of a lease that is registered without one.
	Term lease.Term

	// Window is the span in which the meter counts renewals. Zero: twice the
	// Term's Interval. Eureka's is a minute. Under a Release it is whole
	// milliseconds.
	Window time.Duration

	// Steps is by how many steps the exact meter slides through its window;
	// see ratemeter.NewSliding. The meter of a Release tumbles and does not
	// look at it.
	Steps int

	// Percent is the fraction of the expected renewals below which eviction is
	// withheld, and the fraction of all leases that a pass has to leave. From
	// 0 to 1, read as a decimal number of nine digits; under a Release any
	// number, as the original takes it.
	Percent float64

	// SelfPreservation is whether missing renewals withhold eviction.
	SelfPreservation bool

	// Warmup is how long the exact rules withhold eviction after the start,
	// since the meter has not seen a whole window yet. Zero: the Window. A
	// Release does not look at it.
	Warmup time.Duration

	// WaitWhenSyncEmpty is how long after Open Status does not report that
	// renewals are below the threshold: whole milliseconds. The exact rules do
	// not look at it.
	WaitWhenSyncEmpty time.Duration

	// EvictionInterval is the pause between the end of one eviction pass and
	// the next.
	EvictionInterval time.Duration

	// UpdateInterval is the pause between two updates of what a Release
	// expects. The exact rules have nothing to update.
	UpdateInterval time.Duration

	// Ceiling is the silence after which a lease is evicted, within the limit,
	// even while eviction is withheld. Zero: there is none, so that where more
	// than 1 - Percent of all are dead they stay until somebody cancels them or
	// enough others have registered.
	Ceiling time.Duration

	// Dwell is how long a lease whose term has a suspect stage is suspect, at
	// least, before a pass evicts it: from the pass that found it suspect, so
	// that a checker that comes late cannot skip the warning. Zero: under the
	// exact rules each lease's Interval, so that there was time for a heartbeat;
	// under Nacos's none, as in the original (quirk N2). A clock that is set back
	// makes it last longer by as much, unless instants have a monotonic reading.
	Dwell time.Duration

	// MaxLeases is the number of leases beyond which registrations are refused
	// with lease.ErrFull. Zero: no limit.
	MaxLeases int

	// History is how many transitions Explain can look back on.
	History int

	// Seed is that of the random victims, where Hooks gives no Source.
	// Eureka's releases do not look at it: they seed a new generator with the
	// wall clock's milliseconds in each pass (quirk E3).
	Seed int64

	// EvictByKey reproduces, for study, a race that Eureka and those who
	// copied it have (quirk E7): a victim is evicted by its key, without
	// looking again, though it has been renewed or registered since the pass
	// collected it. Without it nothing that was renewed is evicted: the one
	// way in which the faithful presets differ from the originals on purpose.
	// A victim that was cancelled meanwhile is reported as rescued with it, too;
	// the original logs it as expired.
	EvictByKey bool

	// ProposeOnly makes passes evict nobody: their victims are in the report,
	// and leave when the caller calls [Kernel.EvictProposed], after a log of
	// several servers has agreed for example. Until then each pass proposes them
	// again. Nacos asks itself by a request, which takes its time or gets lost
	// (quirk N8).
	ProposeOnly bool
}

// Hooks are what a [Kernel] calls back. All may be nil. Order, Responsible,
// View, Source and Nanos are called while a pass runs: they may use the kernel, except that they
// must not start a pass, nor Open or Stop, which wait for the one that runs.
type Hooks[K comparable, V any] struct {
	// Order puts a pass's candidates in the order from which victims are
	// drawn, in place; if leases have a suspect stage, before that in a call of
	// its own those that the pass is about to find suspect. They come in the order of their registration, whatever
	// the table's hash seed. Eureka's own order is that of two levels of hash
	// maps (quirk G8): who wants to reproduce a recorded pass gives it here.
	Order func(now time.Time, candidates []lease.Snapshot[K, V])

	// Responsible reports whether this server decides about the leases of a
	// key's group (Nacos divides the services among its servers, quirk N12).
	// What others decide about is renewed here, but neither found suspect nor
	// evicted. Passes ask it for every lease that is due, each time. Explain
	// asks it, too.
	Responsible func(key K) bool

	// View returns how many clients there are for an update of what a Release
	// expects: Eureka takes the view of its own client, not of its own
	// registry (quirk T12). Nil: the number of leases. An error changes
	// nothing.
	View func(now time.Time) (count int64, err error)

	// Source draws the victims. Nil: evict.JavaRandom, seeded by Config's
	// Seed, or as Eureka's releases do it.
	Source evict.Source

	// Nanos is the reading in nanoseconds of the clock by which a Release
	// finds out how late a pass is, Java's System.nanoTime (quirk E5). Nil:
	// the instants', on the monotonic clock where they have one.
	Nanos func(now time.Time) int64

	// Report gets what Run's ticks return, one after the other. No lock is
	// held meanwhile.
	Report func(Report[K, V])
}
