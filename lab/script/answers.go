package script

import (
	"fmt"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
)

// lastShown is how many transitions of a key an answer names.
const lastShown = 5

func (c Explain) run(r *runner) error {
	for _, key := range c.Keys.All() {
		r.verdict(r.kernel.Explain(r.now, key))
	}
	return nil
}

// verdict tells a Verdict as its own String does, with relative instants and
// what doubles an Eureka lease beside it.
func (r *runner) verdict(v leasekernel.Verdict[string, struct{}]) {
	state, _, _ := strings.Cut(v.String(), "\n")
	r.came("%s", state)
	if v.Known && v.Lease.Renewed() && v.Lease.Term().Rule == lease.Eureka {
		r.came("a renewal counts its term of %s twice (quirk L1): it lasts %s", Short(v.Lease.Term().Duration), Short(v.Deadline.Sub(v.Lease.LastRenewal())))
	}
	for _, obstacle := range v.Obstacles {
		r.came("not evicted: %s%s", obstacle.Text, relative(obstacle.Until))
	}
	switch {
	case v.Known && v.Earliest.IsZero():
		r.came("no pass can evict it as things stand")
	case v.Known && v.Decision.Allowed:
		r.came("the first pass that can evict it is planned at %s", r.when(v.Earliest))
	case v.Known:
		r.came("the first pass that can evict it is planned at %s, if eviction is allowed by then", r.when(v.Earliest))
		r.ceiling(v.Lease.LastRenewal())
	}
	r.history(v.Last)
}

// ceiling tells when eviction is no longer withheld, if that comes.
func (r *runner) ceiling(lastRenewal time.Time) {
	if ceiling := r.config.Ceiling; ceiling > 0 {
		r.came("after a silence of %s, at %s, passes may evict it even if it is not", Short(ceiling), r.when(lastRenewal.Add(ceiling)))
	}
}

func (r *runner) history(last []leasekernel.Transition[string]) {
	if earlier := len(last) - lastShown; earlier > 0 {
		r.came("%s, then", counted(earlier, "earlier transition"))
		last = last[earlier:]
	}
	for _, transition := range last {
		r.came("%v at %s", transition.Kind, r.when(transition.At))
	}
}

// relative is an instant after a sentence that names it by the clock.
func relative(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return fmt.Sprintf(" (t+%s)", Short(at.Sub(start)))
}

func (Status) run(r *runner) error {
	status := r.kernel.Status(r.now)
	// None of the renewals is Replicated: a script has no peers.
	r.came("%s, %s in the last window", counted(status.Leases, "lease"), counted(int(status.Renewals), "renewal"))
	r.came("%v", status.Decision)
	r.came("the status page says that renewals are below the threshold: %v", status.Below)
	if status.Opened {
		r.came("the next eviction pass is due at %s", r.when(status.NextEviction))
	} else {
		r.came("no eviction pass is planned")
	}
	r.came("so far registered %d, replaced %d, cancelled %d, evicted %d",
		status.Registered, status.Replaced, status.Cancelled, status.Evicted)
	if status.Suspected > 0 {
		r.came("suspected %d, healed %d, suspect now %d", status.Suspected, status.Healed, status.Suspects)
	}
	return nil
}
