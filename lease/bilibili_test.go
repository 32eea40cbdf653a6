package lease_test

import (
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

// Quirks B2 and B12: one duration after the last renewal, strictly, and by the
// wall clock, which takes the lease along when it is set back.
func TestBilibiliLeases(t *testing.T) {
	const s = time.Second
	term := lease.Term{Duration: 90 * s, Rule: lease.Bilibili}
	at := func(d time.Duration) time.Time { return t0.Add(d) }
	for name, row := range map[string]struct {
		renewals []time.Duration
		deadline time.Duration
	}{
		"registered":           {nil, 90 * s},
		"renewed":              {[]time.Duration{30 * s}, 120 * s},
		"set back":             {[]time.Duration{60 * s, 10 * s}, 100 * s},
		"before it registered": {[]time.Duration{-60 * s}, 30 * s},
		"in half milliseconds": {[]time.Duration{10*s + 500*time.Microsecond}, 100 * s},
	} {
		t.Run(name, func(t *testing.T) {
			single, err := lease.New(t0, "holder", term)
			if err != nil {
				t.Fatal(err)
			}
			table, err := lease.NewTable[string, string](t0, lease.TableConfig{Rule: lease.Bilibili})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := table.Register(t0, "key", "holder", term); err != nil {
				t.Fatal(err)
			}
			for _, renewal := range row.renewals {
				equal(t, "renewed", single.Renew(at(renewal)), true)
				equal(t, "renewed in the table", table.Renew(at(renewal), "key"), true)
			}
			seen, _ := table.Get("key")
			equal(t, "deadline", single.Deadline().Sub(t0), row.deadline)
			equal(t, "deadline in the table", seen.Deadline().Sub(t0), row.deadline)
			equal(t, "last renewal", single.LastRenewal().Sub(t0), row.deadline-90*s)
			equal(t, "last renewal in the table", seen.LastRenewal().Sub(t0), row.deadline-90*s)
			for after, want := range map[time.Duration]bool{
				row.deadline: false, row.deadline + time.Millisecond - 1: false, row.deadline + time.Millisecond: true,
			} {
				equal(t, "expired", single.IsExpired(at(after), 0), want)
				equal(t, "expired in the table", len(table.AppendExpired(nil, at(after), 0)) == 1, want)
			}
			equal(t, "stage", single.Stage(at(row.deadline), 0), lease.Live)
			equal(t, "cancelled", single.Cancel(at(0)), true)
			equal(t, "renewed in the end", single.Renew(at(0)), false)
		})
	}
}
