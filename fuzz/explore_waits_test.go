//go:build interleave

package fuzz

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/ratemeter"
)

var neverWaits = law.New("never-waits", "a renewal takes no lock and waits for nobody, whatever has become of the lease")

// watch notes the steps of a call.
func watch(t *testing.T, what string, call func()) {
	t.Helper()
	var steps []string
	note := func(operation string, _ unsafe.Pointer) { steps = append(steps, operation) }
	set := func(step func(string, unsafe.Pointer)) {
		lease.SetInterleaver(step)
		ratemeter.SetInterleaver(step)
		leasekernel.SetInterleaver(step)
	}
	set(note)
	defer set(nil)
	call()
	told := strings.Join(steps, " ")
	waits := strings.Contains(told, "lock") || strings.Contains(told, "spin")
	neverWaits.Holds(t, len(steps) > 0 && !waits, "%s: %s", what, told)
}

// What a renewal meets: a lease as it was granted, one that is suspect, exempt,
// moved, replaced, gone, late, of a chunk with several terms.
func TestExploreRenewalsTakeNoLock(t *testing.T) {
	for _, rule := range []lease.Rule{lease.Exact, lease.Eureka, lease.Nacos, lease.Bilibili} {
		term := lease.Term{Duration: 30 * time.Second, Interval: 10 * time.Second, Rule: rule}
		other := lease.Term{Duration: 60 * time.Second, Interval: 20 * time.Second, Rule: rule}
		if rule == lease.Exact || rule == lease.Nacos {
			term.Suspect, other.Suspect = 15*time.Second, 30*time.Second
		}
		start := time.Unix(0, 0)
		table, err := lease.NewTable[string, int](start, lease.TableConfig{Rule: rule})
		if err != nil {
			t.Fatal(err)
		}
		register := func(key string, term lease.Term) lease.Snapshot[string, int] {
			granted, err := table.Register(start, key, 0, term)
			if err != nil {
				t.Fatal(err)
			}
			return granted.Lease
		}
		late := start.Add(20 * time.Second)
		renew := func(what, key string) {
			watch(t, fmt.Sprint(rule, " ", what), func() { table.Renew(late, key) })
			watch(t, fmt.Sprint(rule, " told ", what), func() { table.RenewTelling(late, key) })
			watch(t, fmt.Sprint(rule, " batch ", what), func() { _, _ = table.RenewAll(late, []string{key, "nobody"}, nil) })
		}
		first := register("a", term)
		renew("as granted", "a")
		handle := first.Handle
		watch(t, fmt.Sprint(rule, " by handle"), func() { handle.Renew(late) })
		register("b", other)
		renew("of another term", "b")
		register("a", term)
		renew("replaced", "a")
		watch(t, fmt.Sprint(rule, " by the handle of one that was replaced"), func() { handle.Renew(late) })
		for _, seen := range table.AppendSuspect(nil, start.Add(time.Hour), 0) {
			table.Suspect(start.Add(16*time.Second), seen)
		}
		renew("suspect", "a")
		table.Exempt("b", true)
		renew("exempt", "b")
		table.Compact()
		renew("moved", "a")
		watch(t, fmt.Sprint(rule, " earlier than the last"), func() { table.Renew(start, "a") })
		table.Cancel("a")
		renew("gone", "a")
	}
	kernel, err := leasekernel.New(time.Unix(0, 0), leasekernel.Exact(), leasekernel.Hooks[string, int]{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kernel.Register(time.Unix(0, 0), "a", 0, lease.Term{}); err != nil {
		t.Fatal(err)
	}
	watch(t, "Kernel.Renew", func() { kernel.Renew(time.Unix(1, 0), "a") })
	watch(t, "Kernel.Renew of nobody", func() { kernel.Renew(time.Unix(1, 0), "b") })
}
