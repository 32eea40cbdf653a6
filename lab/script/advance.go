package script

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

func (c Beat) run(r *runner) error {
	keys := c.Keys.All()
	n := time.Duration(len(keys))
	part := func(i time.Duration) time.Time { // c.Every * i could overflow
		return r.now.Add((c.Every/n*i + c.Every%n*i/n).Truncate(time.Millisecond))
	}
	for i, key := range keys {
		r.clients.start(key, part(time.Duration(i+1)), c.Every)
	}
	if n == 1 {
		r.came("renews by itself, first at %s", r.when(part(1)))
		return nil
	}
	r.came("%d clients renew by themselves, spread evenly: the first at %s, the last at %s", n, r.when(part(1)), r.when(part(n)))
	return nil
}

func (c Advance) run(r *runner) error {
	if c.Duration > longest-r.now.Sub(start) {
		return invalid("duration", Short(c.Duration), "must not lead farther than "+Short(longest)+" from the start")
	}
	until := r.now.Add(c.Duration)
	r.passes, r.beats = 0, 0
	for {
		at, step := r.next()
		if step == nil || at.After(until) {
			break
		}
		if r.left--; r.left < 0 {
			return invalid("duration", Short(c.Duration), fmt.Sprintf("must not carry the script beyond %d heartbeats and passes", mostEvents))
		}
		r.now = at
		if err := step(); err != nil {
			return err
		}
	}
	r.now = until
	r.tellGathered()
	r.sayAt(until, Happened, fmt.Sprintf("%s passed: %s, %s", Short(c.Duration), counted(r.beats, "heartbeat"), counted(r.passes, "eviction pass")))
	return nil
}

// next returns what happens next, nil if nothing does. A heartbeat that
// arrives at the instant of a pass has arrived when the pass runs.
func (r *runner) next() (at time.Time, step func() error) {
	beat, beating := r.clients.due()
	pass, planned := r.kernel.Next()
	switch {
	case beating && (!planned || !beat.After(pass)):
		return beat, r.heartbeat
	case planned:
		return pass, r.pass
	}
	return time.Time{}, nil
}

// heartbeat is what a client does that renews by itself.
func (r *runner) heartbeat() error {
	r.beats++
	key := r.clients.beat()
	switch healed, ok := r.kernel.RenewTelling(r.now, key); {
	case healed:
		r.gather("healed by a heartbeat", key)
		return nil
	case ok:
		return nil
	}
	_, err := r.register(key, r.terms[key])
	switch {
	case errors.Is(err, lease.ErrFull):
		r.gather("answered false, tried to register again, "+r.full(), key)
	case err != nil:
		return err
	default:
		r.gather("answered false, registered again", key)
	}
	return nil
}

// gathering is what became of many clients one after the other, told as one.
type gathering struct {
	group
	from, to time.Time
}

func (r *runner) gather(what, key string) {
	for _, g := range r.waiting {
		if g.what == what {
			g.keys, g.to = append(g.keys, key), r.now
			return
		}
	}
	r.waiting = append(r.waiting, &gathering{group{what, []string{key}}, r.now, r.now})
}

// tellGathered comes before whatever else is told, so that all is told in the
// order in which it began.
func (r *runner) tellGathered() {
	for _, g := range r.waiting {
		text := g.what + ": " + names(g.keys)
		if g.to.After(g.from) {
			text += ", until " + r.when(g.to)
		}
		r.sayAt(g.from, Happened, text)
	}
	r.waiting = nil
}

func (r *runner) pass() error {
	report := r.kernel.Tick(r.now)
	if report.Eviction != nil {
		r.passes++
	}
	r.report(Happened, report)
	return nil
}

// report tells what passes did.
func (r *runner) report(kind Kind, report leasekernel.Report[string, struct{}]) {
	if pass := report.Eviction; pass != nil {
		for _, change := range pass.Evicted {
			r.evicted[change.Lease.Key()] = true
		}
		r.eviction(kind, pass)
	}
	if update := report.Update; update != nil {
		text := "update of the expectation: " + updated(update)
		r.news(kind, "update", text, text)
	}
}

func updated(update *leasekernel.Update) string {
	switch {
	case update.Err != nil:
		return update.Err.Error()
	case update.Adopted:
		return counted(int(update.Count), "client") + ", adopted"
	}
	return counted(int(update.Count), "client") + ", not adopted"
}

func (r *runner) tellOnly(kind Kind, text string) {
	r.tellGathered()
	r.say(kind, text)
}

// news tells something about a topic, unless it was the last thing told about it.
func (r *runner) news(kind Kind, topic, state, text string) {
	if r.told[topic] != state {
		r.told[topic] = state
		r.tellOnly(kind, text)
	}
}

func (r *runner) eviction(kind Kind, pass *leasekernel.Eviction[string, struct{}]) {
	if len(pass.Suspected) > 0 {
		r.tellOnly(kind, "pass: found suspect "+r.silenceOf(pass.Suspected))
	}
	r.news(kind, "decision", stateOf(pass.Decision), "pass: "+pass.Decision.String())
	stuck := ""
	switch {
	case pass.Err != nil:
		r.tellOnly(kind, "pass: "+pass.Err.Error())
	case len(pass.Evicted) > 0:
		r.tellOnly(kind, "pass: "+r.evictedBy(pass))
	case pass.Candidates > len(pass.Rescued):
		stuck = r.boundsOf(pass)
		r.news(kind, "stuck", stuck, "pass: evicted nobody: "+stuck)
	}
	r.told["stuck"] = stuck
	if len(pass.Rescued) > 0 {
		r.tellOnly(kind, "pass: rescued "+names(keysOf(pass.Rescued)))
	}
	if pass.Compensation > 0 {
		r.tellOnly(kind, "pass: came late, and forgave all leases "+Short(pass.Compensation))
	}
}

// stateOf is what has to change for a decision to be news: that renewals are
// enough by a few more or less is none.
func stateOf(d preserve.Decision) string {
	if d.Allowed {
		return d.Reason.String()
	}
	return d.String()
}

// evictedBy says who was evicted, and how far the pass could have gone.
func (r *runner) evictedBy(pass *leasekernel.Eviction[string, struct{}]) string {
	return "evicted " + r.silenceOf(pass.Evicted) + ": " + r.boundsOf(pass)
}

// silenceOf names keys, and for how long they have been silent.
func (r *runner) silenceOf(changes []leasekernel.Change[string, struct{}]) string {
	var keys []string
	shortest, longest := time.Duration(1<<63-1), time.Duration(0)
	for _, change := range changes {
		silent := r.now.Sub(change.Lease.LastRenewal())
		shortest, longest = min(shortest, silent), max(longest, silent)
		keys = append(keys, change.Lease.Key())
	}
	silent := Short(longest)
	if shortest != longest {
		silent = Short(shortest) + " to " + silent
	}
	return fmt.Sprintf("%s, silent for %s", names(keys), silent)
}

func (r *runner) boundsOf(pass *leasekernel.Eviction[string, struct{}]) string {
	parts := []string{counted(pass.Candidates, "candidate")}
	if pass.Ceiling {
		parts[0] += " beyond the ceiling of " + Short(r.config.Ceiling)
	}
	if r.config.Release == preserve.EurekaV1_2_5 || r.config.Release == preserve.Nacos {
		parts = append(parts, "and no limit")
	} else {
		parts = append(parts, fmt.Sprintf("at most %d of %s may go", pass.Limit, counted(pass.Size, "lease")))
	}
	return strings.Join(parts, ", ")
}

func keysOf(leases []lease.Snapshot[string, struct{}]) []string {
	var keys []string
	for _, snapshot := range leases {
		keys = append(keys, snapshot.Key())
	}
	return keys
}

// counted is a number of things.
func counted(n int, thing string) string {
	switch {
	case n == 1:
		return "1 " + thing
	case strings.HasSuffix(thing, "s"):
		return fmt.Sprintf("%d %ses", n, thing)
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
