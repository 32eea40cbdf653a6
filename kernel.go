package leasekernel

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// ErrInvalid is wrapped by the errors for arguments and settings that are out
// of range.
var ErrInvalid = errors.New("leasekernel: invalid")

// ErrStopped is wrapped by the error of an Open after Stop.
var ErrStopped = errors.New("leasekernel: stopped")

// Kernel is the part of a registry that decides who is alive: a table of
// leases, a meter of their renewals, a guard that knows how many to expect,
// and the passes that find suspect and evict. Make one with [New]; a Kernel must not be copied.
//
// Register, Renew and Cancel are what clients ask for; the server calls
// [Kernel.Tick], or lets [Kernel.Run] do it. Time is an argument of all of
// them: give one request or one batch one instant, from time.Now if the server
// has no other clock.
//
// A heartbeat that was answered with true is never followed by the eviction of
// that lease before its term is over again: each lease has one atomic word,
// and a pass evicts only what is still as the pass saw it. (By all rules but
// the exact one a clock that is set back also sets the term back, quirks L8, N10
// and B12, and EvictByKey gives the promise up.)
//
// # Concurrency
//
// All methods may be called by any number of goroutines at once. Renewals, also
// those that heal a suspect lease, and Get, All, Len and Exempt take no lock. What
// changes who has a lease is done one at a
// time, under a mutex, so that the changes have one order and every count
// moves with its change; a pass takes that mutex for one victim at a time.
// Passes exclude each other. No hook is called under a lock that Renew,
// Register, Cancel, Status or Explain need.
type Kernel[K comparable, V any] struct {
	config   Config
	hooks    Hooks[K, V]
	rules    rules
	table    *lease.Table[K, V]
	rate     *rate
	replicas *rate // the renewals that peers sent on
	guard    guard

	suspicionOff atomicBool
	evictionOff  atomicBool

	changing mutex
	changes  changes[K, V]      // needs changing
	turns    []lease.Turn[K, V] // room for absorb; needs changing

	passes       mutex        // one pass at a time
	compensation compensation // needs passes
	random       evict.Source // needs passes; nil: a new one each pass
	stopped      bool         // needs passes

	planning mutex
	rotation schedule     // of a meter that has no timer; needs planning
	eviction evictionPlan // needs planning
	update   schedule     // needs planning

	replanned chan struct{} // wakes Run
}

// New returns a kernel without leases whose time begins at instant now. It
// fails with every problem of the config that [Config.Validate] calls an
// error.
//
// A kernel of the exact rules plans its passes from now on. One of an Eureka
// release plans its updates, and evicts when it has been opened.
func New[K comparable, V any](now time.Time, config Config, hooks Hooks[K, V]) (*Kernel[K, V], error) {
	config = config.resolved()
	if err := config.Validate(0).Err(); err != nil {
		return nil, err
	}
	k := &Kernel[K, V]{config: config, hooks: hooks, rules: rulesOf(config.Release), random: hooks.Source, replanned: make(chan struct{}, 1)}
	var tableErr, rateErr, replicasErr, guardErr error
	k.table, tableErr = lease.NewTable[K, V](now, lease.TableConfig{Rule: config.Term.Rule, MaxLeases: config.MaxLeases})
	k.rate, rateErr = newRate(now, config, k.rules)
	k.replicas, replicasErr = newRate(now, config, k.rules)
	k.guard, guardErr = newGuard(now, config)
	if err := errors.Join(tableErr, rateErr, replicasErr, guardErr); err != nil {
		return nil, err // nothing that Validate knows
	}
	if k.random == nil && !k.rules.seedsByClock {
		k.random = evict.NewJavaRandom(config.Seed)
	}
	k.changes.history = config.History
	k.rotation = schedule{interval: config.Window, phase: true}
	k.eviction.schedule = schedule{interval: config.EvictionInterval, wall: k.rules.timers, phase: k.rules.ticker}
	k.update = schedule{interval: config.UpdateInterval, wall: k.rules.timers, phase: k.rules.ticker}
	if k.rules.updates {
		k.update.start(now)
	}
	if !k.rules.opens {
		k.begin(now)
	}
	return k, nil
}

// begin plans the eviction passes, and the rotation of a meter that has no
// timer of its own.
func (k *Kernel[K, V]) begin(now time.Time) {
	k.compensation = newCompensation(now, k.config, k.rules, k.hooks.Nanos)
	k.planning.Lock()
	defer k.planning.Unlock()
	if k.config.Release != 0 && !k.rules.timers {
		k.rotation.start(now)
	}
	k.eviction.start(now)
	k.eviction.compensates = false
}

// openMeters starts them.
//
// The replicas' meter comes first: renewals are taken as soon as there is the
// other, and those that a peer sent on need both.
func (k *Kernel[K, V]) openMeters(now time.Time) error {
	err := k.replicas.open(now, k.config.Window, k.rules.meterAtOpen)
	return errors.Join(err, k.rate.open(now, k.config.Window, k.rules.meterAtOpen))
}

// Open opens the registry for traffic at instant now, as Eureka's
// openForTraffic does: it expects count clients, the number that came from its
// peers, starts the meter and plans the first eviction pass one interval
// later. Opened again it expects the new count and plans anew; the meter goes
// on, except that up to v1.4.8 there is a new one (quirk E6).
//
// It fails if the rules have nothing to open and if count is out of the
// release's range. It also fails, with the expectation already changed as the
// original's is, after [Kernel.Stop] with [ErrStopped] (quirk R8), and if the
// meter would rotate before the Unix epoch.
func (k *Kernel[K, V]) Open(now time.Time, count int64) error {
	release, ok := k.guard.(*releaseGuard)
	if !ok || !k.rules.opens {
		return fmt.Errorf("%w: Open: the rules have nothing to open, their passes are planned since New (see Config.Opens)", ErrInvalid)
	}
	k.passes.Lock()
	defer k.passes.Unlock()
	if err := release.Open(now, count); err != nil {
		return refused(err)
	}
	if k.stopped {
		return fmt.Errorf("%w: no pass will run any more", ErrStopped)
	}
	defer k.replan()
	if err := k.openMeters(now); err != nil {
		return err
	}
	k.begin(now)
	return nil
}

// Stop ends all planned passes for good, as Eureka's shutdown does. Leases can
// still be registered, renewed and cancelled, and a pass that a caller runs by
// itself still evicts; the meter's last count stays. Up to v1.4.8 a kernel that
// is stopped before its first Open has no meter and never renews.
func (k *Kernel[K, V]) Stop() {
	k.passes.Lock()
	defer k.passes.Unlock()
	k.stopped = true
	k.rate.stop() // and the replicas' meter, which rotates with it
	k.planning.Lock()
	defer k.planning.Unlock()
	k.rotation.stop()
	k.eviction.stop()
	k.update.stop()
}

// SetSelfPreservation switches self-preservation on or off, from the next pass
// on. Nacos's rules have none to switch.
func (k *Kernel[K, V]) SetSelfPreservation(on bool) { k.guard.setSelfPreservation(on) }

// SetPercent changes a release's percent, with the delays that the original has
// (quirk T10). It fails under the exact rules, whose percent is fixed.
func (k *Kernel[K, V]) SetPercent(percent float64) error {
	release, ok := k.guard.(*releaseGuard)
	if !ok {
		return fmt.Errorf("%w: percent is %v: cannot be changed under the exact rules", ErrInvalid, percent)
	}
	release.SetPercent(percent)
	return nil
}

// SetEviction switches eviction on, as it is at first, or off: then passes find
// leases suspect but withhold eviction, beyond the Ceiling, too (Nacos's
// expireInstance, quirk N12).
func (k *Kernel[K, V]) SetEviction(on bool) { k.evictionOff.Store(!on) }

// SetSuspicion switches on, as it is at first, or off that passes find leases
// suspect. While it is off no lease is evicted that has to have been suspect
// before, see [Config].Dwell. With eviction off, too, passes do nothing (Nacos's
// healthCheckEnabled).
func (k *Kernel[K, V]) SetSuspicion(on bool) { k.suspicionOff.Store(!on) }

// Registration is what came of a registration.
type Registration[K comparable, V any] struct {
	// Handle renews the new lease without a look-up.
	Handle Handle[K, V]
	// Change is what changed: a key was registered, or its lease replaced.
	Change Change[K, V]
}

// Register grants key a lease at instant now. If it has one, that lease is
// replaced by a new one for the new term and holder (quirk G1). That one is not
// suspect, without a change of its own, except under Nacos's rule (quirk N7).
//
// A zero term is the Config's. The Rule is always the Config's and need not be
// given. Under Eureka's rule a Duration of zero or below becomes the Config's
// too, as Eureka does it for clients (quirk G3).
//
// What [Config.Validate] says about safety holds for the Config's term. Where
// clients bring their own, [Config.ValidateTerm] says it for each.
//
// It fails, changing nothing, on a term out of range, on an interval so short
// that it cannot be expected, and with lease.ErrFull beyond Config's MaxLeases.
func (k *Kernel[K, V]) Register(now time.Time, key K, holder V, term lease.Term) (Registration[K, V], error) {
	if term == (lease.Term{}) {
		term = k.config.Term
	}
	if term.Rule = k.config.Term.Rule; term.Rule == lease.Eureka && term.Duration <= 0 {
		term.Duration = k.config.Term.Duration
	}
	return k.register(now, key, holder, term)
}

// Load grants key a lease that a peer sent when the registry started, as
// Eureka's syncUp does: like Register, except that the term is taken as it is
// (quirk G3).
func (k *Kernel[K, V]) Load(now time.Time, key K, holder V, term lease.Term) (Registration[K, V], error) {
	term.Rule = k.config.Term.Rule
	return k.register(now, key, holder, term)
}

func (k *Kernel[K, V]) register(now time.Time, key K, holder V, term lease.Term) (Registration[K, V], error) {
	if err := term.Validate(); err != nil {
		return Registration[K, V]{}, refused(err)
	}
	if err := k.guard.admit(term); err != nil {
		return Registration[K, V]{}, refused(err)
	}
	admitted := false
	defer func() {
		if !admitted { // also if the key cannot be hashed, which panics
			k.guard.refused(term)
		}
	}()
	k.changing.Lock()
	defer k.changing.Unlock()
	granted, err := k.table.Register(now, key, holder, term)
	if err != nil {
		return Registration[K, V]{}, refused(err)
	}
	admitted = true
	change := Change[K, V]{Transition: Transition[K]{granted.Lease.Sequence(), Registered, now, key}, Lease: granted.Lease}
	if granted.Again {
		change.Kind, change.Old = Replaced, granted.Replaced
		old := granted.Replaced.Term()
		k.guard.granted(&old)
	} else {
		k.guard.granted(nil)
	}
	k.note(change)
	return Registration[K, V]{Handle: Handle[K, V]{kernel: k, lease: granted.Lease.Handle}, Change: change}, nil
}

// refused makes an error of a kernel one of this package, too. That the table
// is full is not the caller's mistake.
func refused(err error) error {
	if err == nil || errors.Is(err, lease.ErrFull) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrInvalid, err)
}

// Renew records a heartbeat of key at instant now, and reports whether there
// was a lease to take it. On false the client has to register again. Only
// renewals that return true are counted (quirk G7).
//
// Up to Eureka v1.4.8 nothing is renewed before the first Open, where the
// original throws.
func (k *Kernel[K, V]) Renew(now time.Time, key K) bool {
	if !k.RenewUncounted(now, key) {
		return false
	}
	k.rate.mark(now, 1)
	return true
}

// RenewTelling is Renew, and tells whether this heartbeat healed the lease, as
// the next report does, too: for those who have to tell subscribers at once.
// Renew is faster.
func (k *Kernel[K, V]) RenewTelling(now time.Time, key K) (healed, ok bool) {
	if !k.rate.ready() {
		return false, false
	}
	if healed, ok = k.table.RenewTelling(now, key); ok {
		k.rate.mark(now, 1)
	}
	return healed, ok
}

// RenewReplicated is Renew for a heartbeat that a peer sent on. It counts like
// any other, as in Eureka (quirk G4), and also apart, see [Status].
func (k *Kernel[K, V]) RenewReplicated(now time.Time, key K) bool {
	if !k.Renew(now, key) {
		return false
	}
	k.replicas.mark(now, 1)
	return true
}

// RenewUncounted renews like Renew, but the meter does not hear of it: what
// Eureka does when a client changes its status (quirk G6).
func (k *Kernel[K, V]) RenewUncounted(now time.Time, key K) bool {
	return k.rate.ready() && k.table.Renew(now, key)
}

// RenewAll is Renew for many keys at one instant, in their order: faster than
// one after the other. It returns how many were renewed. Renewed, unless it is
// nil, gets for each key whether it was; it must be as long as keys.
func (k *Kernel[K, V]) RenewAll(now time.Time, keys []K, renewed []bool) (count int, err error) {
	if !k.rate.ready() && (renewed == nil || len(renewed) == len(keys)) {
		clear(renewed)
		return 0, nil
	}
	count, err = k.table.RenewAll(now, keys, renewed)
	if count > 0 {
		k.rate.mark(now, count)
	}
	return count, refused(err)
}

// Cancel ends key's lease at instant now, as a client that leaves does, and
// returns what changed. False: it has none.
func (k *Kernel[K, V]) Cancel(now time.Time, key K) (Change[K, V], bool) {
	k.changing.Lock()
	defer k.changing.Unlock()
	departure, ok := k.table.Cancel(key)
	if !ok {
		return Change[K, V]{}, false
	}
	change := departed(Cancelled, now, key, departure)
	k.guard.cancelled(change.Lease.Term())
	k.note(change)
	return change, true
}

// Suspect says at instant now that key's lease is suspect, as a probe of the
// service may have found, and returns what changed. The lease need not have been
// silent nor its term a suspect stage; a heartbeat heals it. False: it has none,
// is suspect already or exempt, or the instant is out of a table's range.
func (k *Kernel[K, V]) Suspect(now time.Time, key K) (Change[K, V], bool) {
	var before lease.Snapshot[K, V]
	for {
		seen, ok := k.table.Get(key)
		if !ok || seen == before {
			return Change[K, V]{}, false
		}
		if change, ok := k.suspectOne(now, seen); ok {
			return change, true
		}
		before = seen // it has changed if that is why
	}
}

// Exempt exempts key's lease from suspicion and eviction, or no longer, and
// reports whether that is new: for maintenance. It has to be renewed all the
// same, to be alive when the exemption ends, and a renewal does not heal it
// (Nacos's mark, quirk N11). An exempt lease can be cancelled, and is replaced by
// a new registration by one that is not exempt.
func (k *Kernel[K, V]) Exempt(key K, on bool) bool { return k.table.Exempt(key, on) }

// Get returns key's lease as it is now. Renew it through the kernel: a renewal
// by the lease's own handle is not counted.
func (k *Kernel[K, V]) Get(key K) (lease.Snapshot[K, V], bool) { return k.table.Get(key) }

// All returns the leases in no order that means anything, see
// [lease.Table.All].
func (k *Kernel[K, V]) All() iter.Seq2[K, lease.Snapshot[K, V]] { return k.table.All() }

// Len returns the number of leases.
func (k *Kernel[K, V]) Len() int { return k.table.Len() }

// Handle renews one lease without a look-up: a value to copy and keep beside
// the client's connection. It comes from a [Registration]; see [lease.Handle]
// for how long it stays fast and what it keeps in memory. The zero Handle
// belongs to no kernel and must not be used.
type Handle[K comparable, V any] struct {
	kernel *Kernel[K, V]
	lease  lease.Handle[K, V]
}

// Renew records a heartbeat at instant now, as [Kernel.Renew] does, and
// reports whether the lease was there to take it: not if it was evicted,
// cancelled or replaced.
func (h Handle[K, V]) Renew(now time.Time) bool {
	if !h.kernel.rate.ready() || !h.lease.Renew(now) {
		return false
	}
	h.kernel.rate.mark(now, 1)
	return true
}

// Lease returns the table's handle, for what it says about the lease and for
// its service-up instant. A renewal by that handle is not counted.
func (h Handle[K, V]) Lease() lease.Handle[K, V] { return h.lease }

// note records a change, after the healings that came before it. Needs changing.
func (k *Kernel[K, V]) note(change Change[K, V]) {
	k.absorb(change.Sequence)
	k.changes.add(change)
}

// absorb records the healings up to the number of a change. Needs changing.
func (k *Kernel[K, V]) absorb(last uint64) {
	k.turns = k.table.AppendHealed(k.turns[:0], last)
	for _, turn := range k.turns {
		k.changes.add(turned(Healed, turn))
	}
	clear(k.turns)
}

func (k *Kernel[K, V]) decide(now time.Time) preserve.Decision {
	return k.decideBy(now, k.rate.count(now))
}

func (k *Kernel[K, V]) decideBy(now time.Time, renewals int64) preserve.Decision {
	d := k.guard.decide(now, renewals)
	if k.evictionOff.Load() {
		d.Allowed, d.Reason, d.WarmUntil = false, preserve.Disabled, time.Time{}
	}
	return d
}
