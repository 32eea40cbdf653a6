package fleet

import "time"

// Kind is what a server that is not well does.
type Kind uint8

const (
	// Well: it answers at once.
	Well Kind = iota
	// Refuses: nothing listens, connections are refused at once.
	Refuses
	// Silent: requests are lost on the way; nothing answers.
	Silent
	// Slow: requests wait for slowness and are then done and answered.
	Slow
	// Stalled: requests wait until the end, and are then done and answered.
	Stalled
)

// slowness is longer than any client waits.
const slowness = 40 * time.Second

// Fault is what is wrong with the server from one offset until before
// another, counted from the start of the scenario.
type Fault struct {
	From, To time.Duration
	Kind     Kind
	// Forgets is whether the server comes back without its leases.
	Forgets bool
}

// Scenario is what happens to a server. Faults do not overlap, the earliest
// comes first.
type Scenario struct {
	ID, Title string
	Faults    []Fault
}

// Scenarios returns those that are compared.
func Scenarios() []Scenario {
	const s, m = time.Second, time.Minute
	flapping := make([]Fault, 10)
	for i := range flapping {
		from := time.Duration(i) * m
		flapping[i] = Fault{From: from, To: from + 40*s, Kind: Refuses}
	}
	return []Scenario{
		{"calm", "nothing happens", nil},
		{"dead", "refuses connections for 10 min, all leases expire", []Fault{{To: 10 * m, Kind: Refuses}}},
		{"restarted", "refuses connections for 15 s and has lost all leases", []Fault{{To: 15 * s, Kind: Refuses, Forgets: true}}},
		{"slow", "answers after 40 s, for 5 min", []Fault{{To: 5 * m, Kind: Slow}}},
		{"flapping", "refuses connections for 40 s of each minute, for 10 min", flapping},
		{"short", "refuses connections for 20 s", []Fault{{To: 20 * s, Kind: Refuses}}},
		{"unplugged", "answers nothing for 40 s", []Fault{{To: 40 * s, Kind: Silent}}},
		{"cut off", "answers nothing for 10 min, all leases expire", []Fault{{To: 10 * m, Kind: Silent}}},
		{"stalled", "stands still for 8 s, then answers everybody at once", []Fault{{From: 8 * s, To: 16 * s, Kind: Stalled}}},
	}
}

// at returns the fault of an offset.
func (s Scenario) at(offset time.Duration) Fault {
	for _, f := range s.Faults {
		if f.From <= offset && offset < f.To {
			return f
		}
	}
	return Fault{}
}

// first is when the server is back for the first time, and 0 if it never left.
func (s Scenario) first() time.Duration {
	if len(s.Faults) == 0 {
		return 0
	}
	return s.Faults[0].To
}

// during reports whether an offset is between the first fault's beginning and
// the last one's end.
func (s Scenario) during(offset time.Duration) bool {
	return len(s.Faults) > 0 && s.Faults[0].From <= offset && offset < s.last()
}

// last is when the server is back for good.
func (s Scenario) last() time.Duration {
	if len(s.Faults) == 0 {
		return 0
	}
	return s.Faults[len(s.Faults)-1].To
}

// answered returns the longest time in [from, to] in which the server answered
// at a stretch.
func (s Scenario) answered(from, to time.Duration) (longest time.Duration) {
	for _, f := range s.Faults {
		longest = max(longest, min(f.From, to)-from)
		from = max(from, f.To)
	}
	return max(longest, to-from)
}
