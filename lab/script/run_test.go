package script

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
)

// told runs a script and returns what it tells, comments and commands
// excepted: a line an event, with the instant of what happens by itself.
func told(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	_, err := Run(parse(t, text), func(e Event) {
		switch e.Kind {
		case Happened:
			fmt.Fprintf(&out, "t+%s %s\n", Short(e.Since), e.Text)
		case Came, Met, Failed, Warning:
			fmt.Fprintln(&out, e.Text)
		}
	})
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return out.String()
}

// tells compares all that a script tells.
func tells(t *testing.T, text string, want ...string) {
	t.Helper()
	if got := told(t, text); got != strings.Join(want, "\n")+"\n" {
		t.Errorf("%q: told\n%s", text, got)
	}
}

// mentions looks for parts of what a script tells.
func mentions(t *testing.T, text string, want ...string) {
	t.Helper()
	got := told(t, text)
	for _, want := range want {
		if !strings.Contains(got, want) {
			t.Errorf("%q: %q is not in\n%s", text, want, got)
		}
	}
}

func TestRegisterTellsEveryOutcome(t *testing.T) {
	tells(t, "set max-leases 3\nset percent 0.5\nregister a-2 1m\nregister a-1..a-4\nregister a-1 1m 20s",
		"registered for 1m: a-2",
		"registered for 1m30s: a-1, a-3; replaced for 1m30s: a-2; refused, since MaxLeases is 3: a-4",
		"replaced for 1m: a-1")
}

// Eureka replaces a duration of zero or below by its default (quirk G3), and
// expects the same of all clients, whatever their interval.
func TestRegisterTellsWhatEurekaMakesOfTheTerm(t *testing.T) {
	mentions(t, "rules eureka v2.0.6\nregister a 0s\nregister b 1m 10s",
		"registered for 1m30s: a\n",
		"the interval is without effect: eureka v1.9.17 - v2.0.6 expects the same of all clients\nregistered for 1m: b\n")
}

func TestRenewAndCancelTellWhoHadNoLease(t *testing.T) {
	mentions(t, "register a-1..a-3\ncancel a-2..a-4\nrenew a-1..a-2",
		"cancelled: a-2..a-3; had no lease: a-4\n",
		"renewed: a-1; answered false: a-2\n")
}

// Of n clients the i-th begins i/n of the interval later, in whole
// milliseconds.
func TestBeatsAreSpreadEvenly(t *testing.T) {
	mentions(t, "register a-1..a-3\nbeat a-1..a-3 every 10s",
		"3 clients renew by themselves, spread evenly: the first at t+3.333s (12:00:03.333), the last at t+10s (12:00:10)")
	mentions(t, "beat a every 10s\nadvance 20s",
		"renews by itself, first at t+10s (12:00:10)",
		"t+10s answered false, registered again: a\n",
		"t+20s 20s passed: 2 heartbeats, 2 eviction passes\n")
}

// A heartbeat at the instant of a pass comes first: the window that ends then
// has it, and the pass finds a lease that would have expired.
func TestHeartbeatsComeBeforePassesOfTheSameInstant(t *testing.T) {
	mentions(t, "rules eureka v2.0.6\nset self-preservation off\nset term 59s 1s\nregister a\nopen 1\nbeat a every 60s\nadvance 60s\nexpect a live\nstatus",
		"t+1m 1m passed: 1 heartbeat, 1 eviction pass\n", "as expected\n", "1 lease, 1 renewal in the last window\n")
}

// A client that is started anew forgets how it renewed, and one that cancels
// does not come back.
func TestClientsStop(t *testing.T) {
	mentions(t, "register a-1..a-2\nbeat a-1..a-2 every 30s\nbeat a-1 every 60s\ncancel a-2\nadvance 2m\nexpect a-2 absent\nexpect a-1 live",
		"t+2m 2m passed: 2 heartbeats, 12 eviction passes\nas expected\nas expected\n")
}

// A client registers again for the term that it had.
func TestClientsRegisterAgainForTheirTerm(t *testing.T) {
	mentions(t, "set self-preservation off\nregister a 40s 10s\nadvance 50s\nexpect a evicted\nbeat a every 20s\nadvance 20s\nstop a\nadvance 40s\nexpect a live\nadvance 10s\nexpect a evicted",
		"t+50s pass: evicted a, silent for 50s: 1 candidate, at most 1 of 1 lease may go\n",
		"t+1m10s answered false, registered again: a\n",
		"t+2m pass: evicted a, silent for 50s")
}

// Up to v1.4.8 nothing is renewed before the first Open: every heartbeat is
// answered false, and what is told of it does not grow with time.
func TestHeartbeatsBeforeOpenAreToldTogether(t *testing.T) {
	mentions(t, "rules eureka v1.2.5\nregister a-1..a-2\nbeat a-1..a-2 every 30s\nadvance 10m",
		"t+15s answered false, registered again: a-1..a-2, until t+10m (12:10:00)\nt+10m 10m passed: 40 heartbeats, 0 eviction passes\n")
}

func TestV1_2_5EvictsWithoutALimit(t *testing.T) {
	mentions(t, "rules eureka v1.2.5\nset self-preservation off\nopen 2\nregister a-1..a-2\nadvance 2m\nexpect a-1..a-2 evicted",
		"t+2m pass: evicted a-1..a-2, silent for 2m: 2 candidates, and no limit\n")
}

// At percent 1 there are candidates of whom no pass may evict one: that is
// told once, not at every pass.
func TestAPassThatMayEvictNobodyIsToldOnce(t *testing.T) {
	got := told(t, "rules eureka v2.0.6\nset percent 1\nset self-preservation off\nopen 2\nregister a-1..a-2\nadvance 10m\nexplain a-1")
	if want := "t+2m pass: evicted nobody: 2 candidates, at most 0 of 2 leases may go\n"; strings.Count(got, "evicted nobody") != 1 || !strings.Contains(got, want) {
		t.Errorf("told\n%s", got)
	}
	if want := "no pass can evict it as things stand\n"; !strings.Contains(got, want) {
		t.Errorf("%q is not in\n%s", want, got)
	}
}

// A withheld decision is news when its numbers change, one that allows is not.
func TestDecisionsAreToldWhenTheyChange(t *testing.T) {
	got := told(t, "register a-1..a-10\nbeat a-1..a-10 every 30s\nadvance 1h")
	if strings.Count(got, "pass: ") != 2 || strings.Count(got, "warming up") != 1 || strings.Count(got, "t+1m pass: eviction is allowed") != 1 {
		t.Errorf("told\n%s", got)
	}
}

func TestUpdatesAreToldWhenTheyChange(t *testing.T) {
	got := told(t, "rules eureka v2.0.6\nregister a-1..a-10\nopen 20\nadvance 1h\nstatus")
	if strings.Count(got, "update of the expectation") != 1 || !strings.Contains(got, "t+15m update of the expectation: 10 clients, not adopted\n") {
		t.Errorf("told\n%s", got)
	}
}

func TestTickTellsThatNothingIsDue(t *testing.T) {
	tells(t, "tick\nadvance 10s\ntick",
		"nothing is due before t+10s (12:00:10)",
		"t+10s pass: eviction is withheld: the registry is warming up until 2026-01-01T12:01:00Z",
		"t+10s 10s passed: 0 heartbeats, 1 eviction pass",
		"nothing is due before t+20s (12:00:20)")
}

func TestStatusBeforeOpen(t *testing.T) {
	mentions(t, "rules eureka v2.0.6\nstatus", "no eviction pass is planned\nso far registered 0, replaced 0, cancelled 0, evicted 0\n")
}

func TestExplainOfUnknownKeys(t *testing.T) {
	tells(t, "explain a-1..a-2",
		"a-1 is not registered, and no transition of it is remembered",
		"a-2 is not registered, and no transition of it is remembered")
}

func TestExplainNamesTheLastTransitionsOnly(t *testing.T) {
	mentions(t, "register a\nregister a\nadvance 1s\nregister a\nregister a\nregister a\nregister a\ncancel a\nexplain a",
		"a is not registered: cancelled\n2 earlier transitions, then\nreplaced at t+1s (12:00:01)\n")
}

// The states exclude each other.
func TestExpectNamesWhatIsThereInstead(t *testing.T) {
	script := parse(t, "set suspect 45s\nset self-preservation off\nregister a-1..a-4\ncancel a-2\nadvance 80s\nrenew a-3\nadvance 20s\nregister a-5\nadvance 45s\nrenew a-5\nadvance 4s\nexpect a-1..a-5 expired")
	var failed []string
	n, err := Run(script, func(e Event) {
		if e.Kind == Failed {
			failed = append(failed, fmt.Sprint(e.Line, e.Text))
		}
	})
	if want := "[12EXPECTED expired, but evicted: a-1, a-4; absent: a-2; suspect: a-3; live: a-5]"; n != 1 || err != nil || fmt.Sprint(failed) != want {
		t.Errorf("%d failed, %v: %v", n, err, failed)
	}
}

func TestWhatCannotBeDoneNamesTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"\nopen 10":                            "line 2: open 10: leasekernel: invalid: ",
		"rules eureka v2.0.6\nopen 9999999999": "line 2: open 9999999999: leasekernel: invalid: preserve: ",
		"register a\nstop a":                   `line 2: stop a: key is "a": must renew by itself, see beat`,
		"register a 10s":                       "line 1: register a 10s: ",
		"set pass 35000h\nadvance 70000h\nadvance 70000h": `line 3: advance 70000h: duration is "70000h": must not lead farther than 78840h from the start`,
		"set pass 1ms\nadvance 1s\nadvance 1000s":         `line 3: advance 16m40s: duration is "16m40s": must not carry the script beyond 1000000 heartbeats and passes`,
	} {
		r := newRunner(func(Event) {})
		r.left = 2000
		if err := r.run(parse(t, text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// In a script nothing comes between a pass and its victims. Where something
// does, it is told.
func TestRescuedAndForgivenLeasesAreTold(t *testing.T) {
	config := leasekernel.Exact()
	config.SelfPreservation = false
	var texts []string
	r := newRunner(func(e Event) { texts = append(texts, e.Text) })
	var err error
	r.kernel, err = leasekernel.New(start, config, leasekernel.Hooks[string, struct{}]{
		Order: func(now time.Time, candidates []lease.Snapshot[string, struct{}]) {
			for _, candidate := range candidates {
				candidate.Renew(now)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.kernel.Register(start, "a", struct{}{}, lease.Term{}); err != nil {
		t.Fatal(err)
	}
	r.report(Came, r.kernel.Evict(start.Add(5*time.Minute)))
	r.report(Came, r.kernel.Evict(start.Add(6*time.Minute)))
	want := []string{"pass: eviction is allowed: self-preservation is off", "pass: rescued a", "pass: came late, and forgave all leases 50s"}
	if fmt.Sprint(texts) != fmt.Sprint(want) {
		t.Errorf("got %q", texts)
	}
	r.report(Came, leasekernel.Report[string, struct{}]{Update: &leasekernel.Update{Err: leasekernel.ErrStopped}})
	if got := texts[len(texts)-1]; got != "update of the expectation: leasekernel: stopped" {
		t.Errorf("got %q", got)
	}
}
