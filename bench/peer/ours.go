package peer

import (
	"sync/atomic"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
)

// holder is empty: what a lease is granted to costs all peers the same.
type holder = struct{}

var ours = Peer{
	Name:  "ours",
	About: "lease.Table by the exact rule. By handle: lease.Handle. A pass is AppendExpired and then Evict",
	Given: true,
	Full:  true,
	New: func(now time.Time, _ int) (Registry, error) {
		return newTableRegistry(now, lease.Exact, func(term time.Duration) lease.Term {
			return lease.Term{Duration: term, Interval: term / 3}
		})
	},
}

// oursEureka registers for half as long, since Eureka's rule doubles what a
// lease was registered for when it is renewed.
var oursEureka = Peer{
	Name:  "ours-eureka",
	About: "lease.Table by Eureka's rule, otherwise as ours",
	Given: true,
	Full:  true,
	New: func(now time.Time, _ int) (Registry, error) {
		return newTableRegistry(now, lease.Eureka, func(term time.Duration) lease.Term {
			return lease.Term{Duration: term / 2, Rule: lease.Eureka}
		})
	},
}

// tableRegistry is a table of ours. What a lease costs is told at lease.Table;
// nothing is left out but the order in which a registry would evict.
type tableRegistry struct {
	table *lease.Table[string, holder]
	term  func(time.Duration) lease.Term
	found []lease.Snapshot[string, holder] // of the last pass
}

func newTableRegistry(now time.Time, rule lease.Rule, term func(time.Duration) lease.Term) (Registry, error) {
	table, err := lease.NewTable[string, holder](now, lease.TableConfig{Rule: rule})
	return &tableRegistry{table: table, term: term}, err
}

func (r *tableRegistry) Register(now time.Time, key Key, term time.Duration) {
	_, err := r.table.Register(now, key.Name, holder{}, r.term(term))
	must(err)
}

func (r *tableRegistry) Renew(now time.Time, key Key) bool { return r.table.Renew(now, key.Name) }

func (r *tableRegistry) Cancel(key Key) bool {
	_, ok := r.table.Cancel(key.Name)
	return ok
}

func (r *tableRegistry) Len() int { return r.table.Len() }

func (r *tableRegistry) Close() {}

func (r *tableRegistry) Pass(now time.Time) (ended int) {
	r.found = r.table.AppendExpired(r.found[:0], now, 0)
	for _, seen := range r.found {
		if _, ok := r.table.Evict(seen); ok {
			ended++
		}
	}
	clear(r.found) // else they would keep the leases
	return ended
}

func (r *tableRegistry) Hold(keys []Key) (renew func(now time.Time, i int) bool) {
	held := make([]lease.Handle[string, holder], len(keys))
	for i, key := range keys {
		seen, _ := r.table.Get(key.Name)
		held[i] = seen.Handle
	}
	return func(now time.Time, i int) bool { return held[i].Renew(now) }
}

var oursKernel = Peer{
	Name:  "ours-kernel",
	About: "the whole leasekernel.Kernel by the exact rules: renewals are counted, changes are told, passes ask the guard, who lets all go here",
	Given: true,
	Full:  true,
	New: func(now time.Time, _ int) (Registry, error) {
		config := leasekernel.Exact()
		config.SelfPreservation = false
		config.Percent = 0
		kernel, err := leasekernel.New(now, config, leasekernel.Hooks[string, holder]{})
		return &kernelRegistry{kernel: kernel, epoch: now}, err
	},
}

// kernelRegistry is a kernel of ours. A lease costs what it costs in a table,
// and a change until it is told.
type kernelRegistry struct {
	kernel  *leasekernel.Kernel[string, holder]
	epoch   time.Time
	changes atomic.Int64
}

// A registry tells its subscribers what changed, so that it does not pile up:
// here after so many changes.
const changesPerReport = 1024

func (r *kernelRegistry) changed() {
	if r.changes.Add(1)%changesPerReport == 0 {
		r.kernel.Rotate(r.epoch) // which does nothing by the exact rules but tell
	}
}

func (r *kernelRegistry) Register(now time.Time, key Key, term time.Duration) {
	r.register(now, key, term)
}

func (r *kernelRegistry) register(now time.Time, key Key, term time.Duration) leasekernel.Handle[string, holder] {
	granted, err := r.kernel.Register(now, key.Name, holder{}, lease.Term{Duration: term, Interval: term / 3})
	must(err)
	r.changed()
	return granted.Handle
}

func (r *kernelRegistry) Renew(now time.Time, key Key) bool { return r.kernel.Renew(now, key.Name) }

func (r *kernelRegistry) Cancel(key Key) bool {
	_, ok := r.kernel.Cancel(r.epoch, key.Name) // the instant is only told
	if ok {
		r.changed()
	}
	return ok
}

func (r *kernelRegistry) Len() int { return r.kernel.Len() }

func (r *kernelRegistry) Close() { r.kernel.Stop() }

// Pass forgives nothing, however long the last one is ago.
func (r *kernelRegistry) Pass(now time.Time) (ended int) {
	return len(r.kernel.EvictForgiving(now, 0).Eviction.Evicted)
}

// Hold registers the keys anew, since a kernel gives handles to those who
// register only.
func (r *kernelRegistry) Hold(keys []Key) (renew func(now time.Time, i int) bool) {
	held := make([]leasekernel.Handle[string, holder], len(keys))
	for i, key := range keys {
		seen, _ := r.kernel.Get(key.Name)
		held[i] = r.register(seen.LastRenewal(), key, seen.Term().Duration)
	}
	return func(now time.Time, i int) bool { return held[i].Renew(now) }
}

// must is for what only a mistake of whoever measures can cause.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
