package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	medians = "Medians of the rounds, with half of the span from the least to the greatest in percent of them"
	ratios  = "the ratio to ours, which is less where that is above 1"
)

// usedWell is which part of its processors a measurement has to use to count as
// undisturbed.
const usedWell = 0.8

// noise says how many samples had to share their processors with others. A peer
// that blocks cannot use them all, and nobody can say what kept it: so what a
// peer used in its best round is taken for what it can.
func (r Run) noise() []string {
	type place struct {
		Case
		peer string
	}
	best, told := map[place]float64{}, 0
	for _, s := range r.Samples {
		if s.Load > 0 {
			told++
			at := place{s.Case, s.Peer}
			best[at] = max(best[at], s.used())
		}
	}
	if told == 0 {
		return nil
	}
	noisy, never := map[string]int{}, map[string]int{}
	for _, s := range r.Samples {
		if s.Load > 0 && s.used() < usedWell && best[place{s.Case, s.Peer}] >= usedWell {
			noisy[s.Peer]++
		}
	}
	for at, used := range best {
		if used < usedWell {
			never[at.peer]++
		}
	}
	notes := []string{fmt.Sprintf("Of %d samples whose load is known %d are noisy: they used less than %s of their cores, and other rounds of the same more. None is left out.%s",
		told, sum(noisy), percent(usedWell), each(noisy))}
	if len(never) > 0 {
		notes = append(notes, fmt.Sprintf("In %d of %d cells no round used as much, since the peer blocks or others wanted the cores.%s", sum(never), len(best), each(never)))
	}
	return notes
}

// used is which part of its processors a sample used.
func (s Sample) used() float64 { return s.Load / float64(s.Procs) }

func sum(counts map[string]int) int {
	total := 0
	for _, n := range counts {
		total += n
	}
	return total
}

// each tells the peers that have been counted.
func each(counts map[string]int) string {
	if len(counts) == 0 {
		return ""
	}
	var said []string
	for _, peer := range slices.Sorted(maps.Keys(counts)) {
		said = append(said, fmt.Sprintf("%s %d", peer, counts[peer]))
	}
	return " They are of " + strings.Join(said, ", ") + "."
}

// losses name the cases in which a peer's median is less than all of ours.
func (r Run) losses() []string {
	var lost []string
	all := r.values()
	for _, g := range Groups(r) {
		if g.explains {
			continue
		}
		for _, c := range r.cases(g.Is) {
			peers := all[c]
			first, us := least(peers), reference(peers)
			if first == "" || us == "" || isOurs(first) {
				continue
			}
			ahead := newCell(peers, first)
			lost = append(lost, fmt.Sprintf("%v: %s %s, %s %s (%s)", c, us, figure(median(peers[us])), first, figure(ahead.median), figure(ahead.ratio)))
		}
	}
	return lost
}

// A fact is a line on how a run came about.
type fact struct{ name, value string }

func (r Run) facts() []fact {
	commit := r.Commit
	if r.Modified {
		commit += ", and changes that no commit has"
	}
	facts := []fact{
		{"machine", fmt.Sprintf("%s, cores: %d, %s/%s", r.CPU, r.Cores, r.OS, r.Arch)},
		{"Go", r.Go},
		{"commit", commit},
		{"command", r.Command},
		{"date", fmt.Sprintf("%s, for %v", r.Began.UTC().Format("2006-01-02 15:04 UTC"), r.Took.Round(time.Second))},
		{"rounds", r.rounds()},
	}
	for _, path := range slices.Sorted(maps.Keys(r.Modules)) {
		facts = append(facts, fact{"module", path + " " + r.Modules[path]})
	}
	return facts
}

// rounds is how many samples a case and peer has, from the fewest to the most.
func (r Run) rounds() string {
	var counts []int
	for _, peers := range r.values() {
		for _, rounds := range peers {
			counts = append(counts, len(rounds))
		}
	}
	if fewest, most := slices.Min(counts), slices.Max(counts); fewest < most {
		return fmt.Sprintf("%d to %d", fewest, most)
	}
	return fmt.Sprint(counts[0])
}
