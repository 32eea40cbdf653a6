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

// usedWell is which part of the processors a measurement has to use, where
// there are several, to count as undisturbed.
const usedWell = 0.8

// noise says how many samples had to share the processors with others. A peer
// that blocks cannot use them all, and nobody can say what kept it: so what a
// peer used in its best round is taken for what it can.
func (r Run) noise() []string {
	type place struct {
		Case
		peer string
	}
	best := map[place]float64{}
	several := 0
	for _, s := range r.Samples {
		if s.Procs > 1 && s.Load > 0 {
			several++
			at := place{s.Case, s.Peer}
			best[at] = max(best[at], s.Load/float64(s.Procs))
		}
	}
	if several == 0 {
		return nil
	}
	noisy, total := map[string]int{}, 0
	for _, s := range r.Samples {
		if s.Procs > 1 && s.Load > 0 && s.Load < usedWell*float64(s.Procs) && best[place{s.Case, s.Peer}] >= usedWell {
			noisy[s.Peer]++
			total++
		}
	}
	blocking := map[string]bool{}
	for at, part := range best {
		if part < usedWell {
			blocking[at.peer] = true
		}
	}
	return noiseNotes(several, total, noisy, slices.Sorted(maps.Keys(blocking)))
}

func noiseNotes(several, total int, noisy map[string]int, blocking []string) []string {
	note := fmt.Sprintf("Of %d samples on more than one core %d are noisy, none of which is left out: they used less than %s of the cores, and others of the same peer and case more.",
		several, total, percent(usedWell))
	if total > 0 {
		var each []string
		for _, peer := range slices.Sorted(maps.Keys(noisy)) {
			each = append(each, fmt.Sprintf("%s %d", peer, noisy[peer]))
		}
		note += " They are of: " + strings.Join(each, ", ") + "."
	}
	notes := []string{note}
	if len(blocking) > 0 {
		notes = append(notes, fmt.Sprintf("In all rounds of one case or more these used less than %s of the cores, since they block or others wanted them: %s.",
			percent(usedWell), strings.Join(blocking, ", ")))
	}
	return notes
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
