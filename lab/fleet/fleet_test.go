package fleet

import (
	"reflect"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/heartbeat"
)

const s, m = time.Second, time.Minute

// metronome renews at fixed instants, whatever it hears, and registers when it
// is asked to. It waits for an answer for 5 s.
type metronome struct {
	at      time.Time
	pause   time.Duration
	request heartbeat.Request
}

func (c *metronome) Next(time.Time) (time.Time, heartbeat.Request) { return c.at, c.request }

func (c *metronome) Sent(now time.Time) time.Duration {
	c.at, c.request = now.Add(c.pause), heartbeat.Renewal
	return 5 * s
}

func (c *metronome) Done(now time.Time, reply heartbeat.Reply) {
	if reply.Kind == heartbeat.Unknown {
		c.at, c.request = now, heartbeat.Registration
	}
}

// every is a policy of metronomes that begin a pause after they start.
func every(pause time.Duration) Policy {
	return Policy{"metronome", func(now time.Time, _ uint64) (heartbeat.Client, error) {
		return &metronome{at: now.Add(pause), pause: pause}, nil
	}}
}

func measure(t *testing.T, policy Policy, settings Settings, faults ...Fault) Measure {
	t.Helper()
	got, err := Run(policy, Scenario{ID: "x", Faults: faults}, settings)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// One client that renews every 10 s, through all that can happen to a server.
func TestWhatARunMeasures(t *testing.T) {
	one := Settings{Clients: 1, Seed: 1}
	for name, row := range map[string]struct {
		pause  time.Duration
		faults []Fault
		want   Measure
	}{
		"nothing happens": {10 * s, nil, Measure{Second: 1, Tenth: 1}},
		"refused for less than a term": {10 * s, []Fault{{To: 80 * s, Kind: Refuses}},
			Measure{Second: 1, Tenth: 1, Unheard: 8, During: 8}},
		// Refused for two minutes: the lease is gone. The first renewal after
		// it hears so; with the registration these are two in one tenth.
		"refused for longer": {10 * s, []Fault{{To: 120 * s, Kind: Refuses}},
			Measure{Second: 2, Tenth: 2, Unheard: 12, During: 12, Expired: 1}},
		"well at first": {10 * s, []Fault{{From: 30 * s, To: 40 * s, Kind: Refuses}},
			Measure{Second: 1, Tenth: 1, Unheard: 1, During: 1}},
		"not answered": {10 * s, []Fault{{To: 120 * s, Kind: Silent}},
			Measure{Second: 2, Tenth: 2, Unheard: 12, During: 12, Expired: 1}},
		// What a slow server does late it does all the same.
		"answered late": {10 * s, []Fault{{To: 120 * s, Kind: Slow}},
			Measure{Second: 1, Tenth: 1, Unheard: 12, During: 12}},
		"stalled for longer than the client waits": {10 * s, []Fault{{To: 40 * s, Kind: Stalled}},
			Measure{Second: 1, Tenth: 1, Unheard: 4, During: 4}},
		"forgotten": {10 * s, []Fault{{To: 20 * s, Kind: Refuses, Forgets: true}},
			Measure{Second: 2, Tenth: 2, Unheard: 2, During: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			got := measure(t, every(row.pause), one, row.faults...)
			back := got.Back
			got.Policy, got.Scenario, got.Back = "", "", 0
			if got != row.want {
				t.Errorf("got  %+v\nwant %+v", got, row.want)
			}
			if missing := row.want.Second == 2; (back > 0) != missing || back > row.pause+travel {
				t.Errorf("back after %v", back)
			}
		})
	}
}

// An answer within the time that a client waits reaches it when a stalled
// server goes on.
func TestAStallThatEndsInTime(t *testing.T) {
	got := measure(t, every(10*s), Settings{Clients: 100, Seed: 1}, Fault{To: 4 * s, Kind: Stalled})
	if got.Unheard != 0 || got.During == 0 {
		t.Errorf("got %+v", got)
	}
}

// A lease is lost if the server had answered for patience, later than an
// interval after the renewal. Clients that renew every 100 s lose every lease
// of 90 s while the server is well, or is for more than patience at a time.
func TestWhatCountsAsLost(t *testing.T) {
	for name, row := range map[string]struct {
		up  time.Duration
		all bool
	}{"answers for long enough": {patience + s, true}, "never answers for long enough": {patience - s, false}} {
		var faults []Fault
		for from := time.Duration(0); from < 10*m; from += 15*s + row.up {
			faults = append(faults, Fault{From: from, To: from + 15*s, Kind: Silent})
		}
		got := measure(t, every(100*s), Settings{Clients: 50, Seed: 1}, faults...)
		if all := got.Lost == got.Expired; got.Lost == 0 || all != row.all {
			t.Errorf("%s: lost %d of %d that expired", name, got.Lost, got.Expired)
		}
	}
}

// A client that never renews has no lease again.
func TestNeverBack(t *testing.T) {
	got := measure(t, every(20*time.Hour), Settings{Clients: 10, Seed: 1})
	if want := (Measure{Policy: "metronome", Scenario: "x", Never: true, Lost: 10, Expired: 10}); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestScenarioAnswered(t *testing.T) {
	scenario := Scenario{Faults: []Fault{{From: 0, To: 10 * s}, {From: 25 * s, To: 30 * s}}}
	for want, span := range map[time.Duration][2]time.Duration{
		15 * s: {-5 * s, 35 * s}, 5 * s: {-5 * s, 15 * s}, 12 * s: {13 * s, 26 * s}, 20 * s: {0, 50 * s}, 0: {26 * s, 29 * s}, 7 * s: {-9 * s, -2 * s}, 2 * s: {-2 * s, 4 * s},
	} {
		if got := scenario.answered(span[0], span[1]); got != want {
			t.Errorf("%v to %v: got %v, want %v", span[0], span[1], got, want)
		}
	}
}

func TestScenarioAt(t *testing.T) {
	scenario := Scenario{Faults: []Fault{{From: 0, To: 10 * s, Kind: Slow}, {From: 25 * s, To: 30 * s, Kind: Silent}}}
	for offset, want := range map[time.Duration]Kind{-1: Well, 0: Slow, 10*s - 1: Slow, 10 * s: Well, 25*s - 1: Well, 25 * s: Silent, 30*s - 1: Silent, 30 * s: Well} {
		if got := scenario.at(offset).Kind; got != want {
			t.Errorf("%v: got %v, want %v", offset, got, want)
		}
	}
}

// Faults overlap nowhere and come in order, as everything here takes for granted.
func TestScenariosAreInOrder(t *testing.T) {
	for _, scenario := range Scenarios() {
		end := time.Duration(0)
		for _, f := range scenario.Faults {
			if f.From < end || f.To <= f.From || f.Kind == Well {
				t.Errorf("%s: %+v", scenario.ID, f)
			}
			end = f.To
		}
		if scenario.last() != end {
			t.Errorf("%s: last is %v, want %v", scenario.ID, scenario.last(), end)
		}
	}
}

func TestEqualSettingsGiveEqualMeasures(t *testing.T) {
	scenarios := Scenarios()[2:4]
	compare := func(seed uint64) []Measure {
		measures, err := Compare(scenarios, Settings{Clients: 200, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		return measures
	}
	first := compare(1)
	if again := compare(1); !reflect.DeepEqual(first, again) {
		t.Errorf("got  %+v\nthen %+v", first, again)
	}
	if other := compare(2); reflect.DeepEqual(first, other) {
		t.Error("another seed changed nothing")
	}
	for i, got := range first {
		if want := Policies()[i%3].Name; got.Policy != want || got.Scenario != scenarios[i/3].ID {
			t.Errorf("measure %d is of %s, %s", i, got.Policy, got.Scenario)
		}
	}
}

// The Pacer loses no lease that can be kept, however many clients there are;
// the others do.
func TestThePacerLosesNoLease(t *testing.T) {
	measures, err := Compare(Scenarios(), Settings{Clients: 500, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	lost := make(map[string]int)
	for _, m := range measures {
		lost[m.Policy] += m.Lost
	}
	if lost["Pacer"] != 0 || lost["Eureka"] == 0 || lost["Nacos"] == 0 {
		t.Errorf("lost leases: %v", lost)
	}
}

// The first beat is full and those after it light; 20404 is followed by a
// registration at once, and that by a full beat. Nothing but an answer counts.
func TestNacosClient(t *testing.T) {
	client, err := newNacos(epoch, 0)
	if err != nil {
		t.Fatal(err)
	}
	now := epoch
	for i, row := range []struct {
		wait    time.Duration
		request heartbeat.Request
		reply   heartbeat.ReplyKind
	}{
		{Interval, heartbeat.Registration, heartbeat.Accepted},
		{Interval, heartbeat.Renewal, heartbeat.Refused},
		{Interval, heartbeat.Renewal, heartbeat.Unanswered},
		{Interval, heartbeat.Renewal, heartbeat.Unknown},
		{0, heartbeat.Registration, heartbeat.Refused},
		{Interval, heartbeat.Registration, heartbeat.Accepted},
		{Interval, heartbeat.Renewal, heartbeat.Unknown},
		{0, heartbeat.Registration, heartbeat.Accepted},
		{Interval, heartbeat.Registration, heartbeat.Accepted},
		{Interval, heartbeat.Renewal, heartbeat.Accepted},
	} {
		at, _ := client.Next(now)
		_, request := client.Next(at)
		if wait := at.Sub(now); wait != row.wait || request != row.request {
			t.Errorf("%d: got a %v after %v, want a %v after %v", i, request, wait, row.request, row.wait)
		}
		client.Sent(at)
		now = at.Add(s)
		client.Done(now, heartbeat.Reply{Kind: row.reply})
	}
}

// Each claim that does not hold is named.
func TestBrokenClaims(t *testing.T) {
	measure := func(policy string, second, tenth, lost int) Measure {
		return Measure{Policy: policy, Scenario: "x", Second: second, Tenth: tenth, Lost: lost}
	}
	eureka, nacos := measure("Eureka", 10, 5, 3), measure("Nacos", 11, 5, 3)
	for name, row := range map[string]struct {
		pacer Measure
		want  []string
	}{
		"all hold": {measure("Pacer", 9, 4, 0), nil},
		"a second": {measure("Pacer", 10, 4, 0), []string{"x: the Pacer's peak is 10 a second and 4 a tenth, Eureka's 10 and 5"}},
		"a tenth":  {measure("Pacer", 9, 5, 0), []string{"x: the Pacer's peak is 9 a second and 5 a tenth, Eureka's 10 and 5", "x: the Pacer's peak is 9 a second and 5 a tenth, Nacos's 11 and 5"}},
		"leases":   {measure("Pacer", 9, 4, 1), []string{"x: the Pacer lost 1 leases"}},
	} {
		if got := Broken([]Measure{eureka, nacos, row.pacer}); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: got %q, want %q", name, got, row.want)
		}
	}
}

// Events come by their offsets, and those of one offset as they were planned.
func TestQueue(t *testing.T) {
	var q queue
	for i := range int32(2000) {
		q.push(event{at: time.Duration(i * 7919 % 97), client: i})
	}
	last := q.pop()
	for len(q.events) > 0 {
		next := q.pop()
		if next.at < last.at || next.at == last.at && next.client < last.client {
			t.Fatalf("%+v came after %+v", next, last)
		}
		last = next
	}
}
