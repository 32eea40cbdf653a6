package report

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// A section is a table: cases beside each other, a row a peer.
type section struct {
	caption string // what all columns have in common
	heads   [][]string
	rows    []row
}

type row struct {
	peer  string
	cells []cell
}

// A cell is what was measured of a peer in a case; without rounds, nothing.
type cell struct {
	rounds int
	median float64
	spread float64 // half the span, as a part of the median
	ratio  float64 // the median by that of ours, and 0 if there is none or this is it
	best   bool    // no other peer's median is less
}

// values are what was measured, by case and peer.
type values map[Case]map[string][]float64

func (r Run) values() values {
	all := values{}
	for _, s := range r.Samples {
		if all[s.Case] == nil {
			all[s.Case] = map[string][]float64{}
		}
		all[s.Case][s.Peer] = append(all[s.Case][s.Peer], s.Value)
	}
	return all
}

// widest is how many columns a table has at most.
const widest = 6

// sections are the tables of a group.
func (r Run) sections(g Group) []section {
	var sections []section
	all := r.values()
	for _, cases := range narrow(r.cases(g.Is)) {
		sections = append(sections, newSection(all, cases))
	}
	return sections
}

// narrow parts cases that are too many for one table: by the first thing of
// these in which they differ.
func narrow(cases []Case) [][]Case {
	if len(cases) <= widest {
		return [][]Case{cases}
	}
	for _, d := range []dimension{cores, variant, clock, leases, metric} {
		kinds := distinct(cases, d)
		if len(kinds) == 1 {
			continue
		}
		var parts [][]Case
		for _, kind := range kinds {
			part := slices.DeleteFunc(slices.Clone(cases), func(c Case) bool { return d(c) != kind })
			parts = append(parts, narrow(part)...)
		}
		return parts
	}
	return [][]Case{cases}
}

func newSection(all values, cases []Case) section {
	alike, differing := split(cases)
	s := section{caption: strings.Join(words(cases[0], alike), ", ")}
	for _, c := range cases {
		head := words(c, differing)
		if len(head) == 0 {
			head = []string{metric(c)}
		}
		s.heads = append(s.heads, head)
	}
	for _, peer := range peersOf(all, cases) {
		r := row{peer: peer}
		for _, c := range cases {
			r.cells = append(r.cells, newCell(all[c], peer))
		}
		s.rows = append(s.rows, r)
	}
	slices.SortFunc(s.rows, compareRows)
	return s
}

// peersOf are the peers of the cases, by name.
func peersOf(all values, cases []Case) []string {
	var peers []string
	for _, c := range cases {
		for peer := range all[c] {
			peers = append(peers, peer)
		}
	}
	slices.Sort(peers)
	return slices.Compact(peers)
}

func newCell(peers map[string][]float64, peer string) cell {
	rounds := peers[peer]
	if len(rounds) == 0 {
		return cell{}
	}
	c := cell{rounds: len(rounds), median: median(rounds), spread: halfSpan(rounds)}
	if us := reference(peers); us != "" && us != peer {
		c.ratio = c.median / median(peers[us])
	}
	c.best = peer == least(peers)
	return c
}

// reference is the peer to which others are compared: ours, or the first of
// our variants if that is all there is.
func reference(peers map[string][]float64) string {
	found := ""
	for peer := range peers {
		if isOurs(peer) && (found == "" || peer < found) {
			found = peer
		}
	}
	return found
}

// least is the peer with the least median, floors aside; none if there is
// nothing to compare.
func least(peers map[string][]float64) string {
	found, competing := "", 0
	for peer := range peers {
		if isFloor(peer) {
			continue
		}
		competing++
		if found == "" || cmp.Or(cmp.Compare(median(peers[peer]), median(peers[found])), cmp.Compare(peer, found)) < 0 {
			found = peer
		}
	}
	if competing < 2 {
		return ""
	}
	return found
}

// compareRows sorts ours first and floors last, and others by their medians in
// the first column in which they differ.
func compareRows(a, b row) int {
	order := cmp.Compare(rank(a.peer), rank(b.peer))
	for i := range a.cells {
		order = cmp.Or(order, cmp.Compare(a.cells[i].height(), b.cells[i].height()))
	}
	return cmp.Or(order, cmp.Compare(a.peer, b.peer))
}

func rank(peer string) int {
	switch {
	case peer == ours:
		return 0
	case isOurs(peer):
		return 1
	case isFloor(peer):
		return 3
	}
	return 2
}

// height is the median, or above all if there is none.
func (c cell) height() float64 {
	if c.rounds == 0 {
		return math.Inf(1)
	}
	return c.median
}
