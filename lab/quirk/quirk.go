// Package quirk is the catalogue of the timing quirks of Netflix Eureka, of
// bilibili/discovery and of Nacos as executable stories. Each quirk is data, what is done
// and what is documented to come of it, plus one function that does it in
// virtual time. The command "lab quirks", the tests and docs/QUIRKS.md are all
// made from it.
package quirk

import (
	"fmt"
	"slices"
	"strings"
)

// Quirk is one entry of the catalogue.
type Quirk struct {
	ID    string // such as "L1"; Eureka's: L lease, G registration, R rate, T threshold, E evict, S supervisor; B bilibili/discovery's; N Nacos's
	Title string // what surprises
	Story string // what is done
	Facts []Fact // what comes of it: the original's rules first, the exact rule last
}

// Fact is what one rule makes of a story.
type Fact struct {
	Rule       string // "eureka", a range of its releases, "spring", "bilibili", "nacos" or "exact"
	Documented string
	// Observe runs the story and returns its value. It is nil where the rule
	// has nothing that could take part in the story; Documented says why.
	Observe func() string
}

// eureka is the fact that holds for all recorded releases.
func eureka(documented string, observe func() string) Fact {
	return Fact{Rule: "eureka", Documented: documented, Observe: observe}
}

// exact is the fact of the exact rule.
func exact(documented string, observe func() string) Fact {
	return Fact{Rule: "exact", Documented: documented, Observe: observe}
}

// Told is a quirk whose story was run under every rule.
type Told struct {
	ID           string        `json:"id"`
	Title        string        `json:"title"`
	Story        string        `json:"story"`
	Observations []Observation `json:"observations"`
}

// Observation is what came of a story under one rule.
type Observation struct {
	Rule       string `json:"rule"`
	Documented string `json:"documented"`
	Observed   string `json:"observed"` // empty if nothing was executed
	Executed   bool   `json:"executed"`
	OK         bool   `json:"ok"` // not executed, or observed as documented
}

// Tell runs the story under every rule.
func (q Quirk) Tell() Told {
	told := Told{ID: q.ID, Title: q.Title, Story: q.Story}
	for _, fact := range q.Facts {
		o := Observation{Rule: fact.Rule, Documented: fact.Documented, OK: true}
		if fact.Observe != nil {
			o.Observed, o.Executed = fact.Observe(), true
			o.OK = o.Observed == o.Documented
		}
		told.Observations = append(told.Observations, o)
	}
	return told
}

// Executed returns how many values were observed.
func (t Told) Executed() int { return t.count(func(o Observation) bool { return o.Executed }) }

// Wrong returns how many of them are not as documented.
func (t Told) Wrong() int { return t.count(func(o Observation) bool { return !o.OK }) }

func (t Told) count(holds func(Observation) bool) int {
	n := 0
	for _, o := range t.Observations {
		if holds(o) {
			n++
		}
	}
	return n
}

// Catalogue returns all quirks in the order of their ids.
func Catalogue() []Quirk {
	return slices.Concat(leaseQuirks(), registrationQuirks(), rateQuirks(), thresholdQuirks(), evictQuirks(), supervisorQuirks(),
		bilibiliQuirks(), nacosQuirks())
}

// Select returns the quirks with the given ids, in the order of the
// catalogue, or all if there are none. Upper and lower case do not matter. It
// fails on an id that the catalogue does not have.
func Select(ids ...string) ([]Quirk, error) {
	catalogue := Catalogue()
	if len(ids) == 0 {
		return catalogue, nil
	}
	var known []string
	for _, q := range catalogue {
		known = append(known, q.ID)
	}
	wanted := make(map[string]bool)
	for _, id := range ids {
		id = strings.ToUpper(id)
		if !slices.Contains(known, id) {
			return nil, fmt.Errorf("no quirk %q in the catalogue: it has %s", id, strings.Join(known, ", "))
		}
		wanted[id] = true
	}
	return slices.DeleteFunc(catalogue, func(q Quirk) bool { return !wanted[q.ID] }), nil
}
