package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/perf/benchmath"
)

// A Verdict is what two runs say together of a peer in a case.
type Verdict string

const (
	Slower  Verdict = "slower"  // the new run needs more, of whatever the metric counts
	Faster  Verdict = "faster"  // it needs less
	Same    Verdict = "~"       // no difference beyond the noise
	Machine Verdict = "machine" // only the value differs beyond the noise, not its ratio to the reference: maybe the machine does
	TooFew  Verdict = "too few" // even samples without any overlap would prove nothing
	New     Verdict = "new"     // only the new run has it
	Gone    Verdict = "gone"    // only the old run has it
)

// references are the peers whose drift is taken for the machine's: the first
// that both runs have measured in the case, and that is not the one compared.
var references = []string{"rwmutex64", "atomic", "by hand", floor}

// A Change is how a peer's values in a case differ between two runs.
//
// Value compares the values, Ratio their quotients by those of the reference
// in the same round. A slow hour of the machine changes the one, a disturbed
// reference the other. So the verdict is slower, or faster, only if both
// differ beyond the noise, in the same direction: with p < 0.05 by the test of
// Mann and Whitney. Where there is no reference in enough rounds of both runs,
// the value alone decides.
//
// Nothing is corrected for how many changes are looked at: of forty things
// that are as they were, one would be called slower by its value alone.
type Change struct {
	Case
	Peer      string  `json:"peer"`
	Verdict   Verdict `json:"verdict"`
	Value     Delta   `json:"value"`
	Reference string  `json:"reference,omitempty"`
	Ratio     *Delta  `json:"ratio,omitempty"` // nil without a reference
}

// A Delta compares two samples, of which the one of a run that lacks the peer
// is empty.
type Delta struct {
	Old    float64 `json:"old"` // the median
	New    float64 `json:"new"`
	P      float64 `json:"p"` // that both are of one distribution and still so different
	OldN   int     `json:"old_n"`
	NewN   int     `json:"new_n"`
	enough bool    // P could be small enough
}

// Changes compares our peers in two runs, or all peers, in the order of the
// new run's groups, and last what is gone.
func Changes(old, new Run, all bool) []Change {
	before, after := old.byRound(), new.byRound()
	var changes []Change
	for _, c := range bothCases(old, new) {
		for _, peer := range bothPeers(before[c], after[c]) {
			if all || isOurs(peer) {
				changes = append(changes, change(c, peer, before[c], after[c]))
			}
		}
	}
	return changes
}

// rounds are the values of the peers of a case, by peer and round.
type rounds map[string]map[int]float64

func (r Run) byRound() map[Case]rounds {
	all := map[Case]rounds{}
	for _, s := range r.Samples {
		if all[s.Case] == nil {
			all[s.Case] = rounds{}
		}
		if all[s.Case][s.Peer] == nil {
			all[s.Case][s.Peer] = map[int]float64{}
		}
		all[s.Case][s.Peer][s.Round] = s.Value
	}
	return all
}

func bothCases(old, new Run) []Case {
	var cases []Case
	for _, run := range []Run{new, old} {
		for _, g := range Groups(run) {
			for _, c := range run.cases(g.Is) {
				if !slices.Contains(cases, c) {
					cases = append(cases, c)
				}
			}
		}
	}
	return cases
}

func bothPeers(before, after rounds) []string {
	peers := slices.Concat(slices.Collect(maps.Keys(before)), slices.Collect(maps.Keys(after)))
	slices.SortFunc(peers, func(a, b string) int { return compareRows(row{peer: a}, row{peer: b}) })
	return slices.Compact(peers)
}

func change(c Case, peer string, before, after rounds) Change {
	found := Change{Case: c, Peer: peer, Value: delta(sorted(before[peer]), sorted(after[peer]))}
	for _, reference := range references {
		if reference == peer || before[reference] == nil || after[reference] == nil {
			continue
		}
		d := delta(before.quotients(peer, reference), after.quotients(peer, reference))
		if d.enough {
			found.Reference, found.Ratio = reference, &d
			break
		}
	}
	found.Verdict = found.verdict()
	return found
}

func sorted(byRound map[int]float64) []float64 { return slices.Sorted(maps.Values(byRound)) }

// quotients are the values of a peer by those of another one in the same
// round.
func (r rounds) quotients(peer, by string) []float64 {
	var found []float64
	for round, value := range r[peer] {
		if divisor := r[by][round]; divisor > 0 {
			found = append(found, value/divisor)
		}
	}
	slices.Sort(found)
	return found
}

func delta(old, new []float64) Delta {
	d := Delta{P: 1, OldN: len(old), NewN: len(new), enough: leastP(len(old), len(new)) < alpha}
	if len(old) > 0 {
		d.Old = median(old)
	}
	if len(new) > 0 {
		d.New = median(new)
	}
	if len(old) > 0 && len(new) > 0 {
		d.P = differ(old, new)
	}
	return d
}

var alpha = benchmath.DefaultThresholds.CompareAlpha

// beyond is 1 if the new values are greater beyond the noise, -1 if they are
// less, and 0 otherwise.
func (d Delta) beyond() int {
	switch {
	case d.P >= alpha:
		return 0
	case d.New > d.Old:
		return 1
	case d.New < d.Old:
		return -1
	}
	return 0
}

func (c Change) verdict() Verdict {
	value := c.Value.beyond()
	switch {
	case c.Value.OldN == 0:
		return New
	case c.Value.NewN == 0:
		return Gone
	case !c.Value.enough:
		return TooFew
	case value == 0:
		return Same
	case c.Ratio != nil && c.Ratio.beyond() != value:
		return Machine
	case value > 0:
		return Slower
	}
	return Faster
}

// Compare prints the changes from one run to another for a terminal, as
// Changes finds them, and warns of what else differs between the runs. It
// returns how many of our values got slower; those of others are not ours to
// mend.
func Compare(w io.Writer, old, new Run, all bool) (slower int, err error) {
	var out strings.Builder
	for _, warning := range warnings(old, new) {
		fmt.Fprintln(&out, text.FgYellow.Sprint("WARNING"), warning)
	}
	changes := Changes(old, new, all)
	printChanges(&out, changes)
	counts := map[Verdict]int{}
	for _, c := range changes {
		counts[c.Verdict]++
		if c.Verdict == Slower && isOurs(c.Peer) {
			slower++
		}
	}
	printCounts(&out, counts)
	fmt.Fprintf(&out, "compared: %d, slower: %d, of which ours: %d\n", len(changes), counts[Slower], slower)
	_, err = io.WriteString(w, out.String())
	return slower, err
}

func warnings(old, new Run) []string {
	var found []string
	for _, row := range []struct {
		name     string
		old, new any
	}{
		{"CPU", old.CPU, new.CPU},
		{"cores", old.Cores, new.Cores},
		{"system", old.OS + "/" + old.Arch, new.OS + "/" + new.Arch},
		{"Go", old.Go, new.Go},
		{"command", old.Command, new.Command},
	} {
		if row.old != row.new {
			found = append(found, fmt.Sprintf("%s: old %v, new %v", row.name, row.old, row.new))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(old.Modules)) {
		if version, ok := new.Modules[path]; ok && version != old.Modules[path] {
			found = append(found, fmt.Sprintf("%s: old %s, new %s", path, old.Modules[path], version))
		}
	}
	return found
}

func printChanges(out *strings.Builder, changes []Change) {
	if len(changes) == 0 {
		return
	}
	t := plain()
	t.AppendHeader(table.Row{"case", "peer", "old", "new", "", "p", "by", "old", "new", "", "p", ""})
	columns := []table.ColumnConfig{{Number: 1}}
	for _, i := range []int{3, 4, 5, 6, 8, 9, 10, 11} {
		columns = append(columns, table.ColumnConfig{Number: i, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(columns)
	last := ""
	for _, c := range changes {
		name := c.Case.String()
		if name == last {
			name = ""
		} else {
			last = name
		}
		line := append(table.Row{name, c.Peer}, c.Value.row()...)
		line = append(line, c.Reference)
		if c.Ratio != nil {
			line = append(line, c.Ratio.row()...)
		} else {
			line = append(line, "", "", "", "")
		}
		t.AppendRow(append(line, c.Verdict.colored()))
	}
	render(out, t)
	fmt.Fprintln(out)
}

// row is old, new, by how much, and p.
func (d Delta) row() table.Row {
	r := table.Row{"", "", "", ""}
	if d.OldN > 0 {
		r[0] = figure(d.Old)
	}
	if d.NewN > 0 {
		r[1] = figure(d.New)
	}
	if d.OldN == 0 || d.NewN == 0 {
		return r
	}
	if d.Old > 0 {
		r[2] = fmt.Sprintf("%+.1f%%", 100*(d.New/d.Old-1))
	}
	r[3] = fmt.Sprintf("%.3f", d.P)
	return r
}

func (v Verdict) colored() string {
	switch v {
	case Slower:
		return text.FgRed.Sprint(v)
	case Faster:
		return text.FgGreen.Sprint(v)
	}
	return string(v)
}

// meanings are the verdicts that the numbers of a line do not explain.
var meanings = []struct {
	verdict Verdict
	text    string
}{
	{Slower, "slower: value and ratio to the reference (without one, the value) are beyond the noise, p < 0.05 by Mann and Whitney"},
	{Faster, "faster: the same, the other way"},
	{Machine, "machine: only the value is, so that the machine may have changed rather than the peer"},
	{TooFew, "too few: samples that no difference could show in, however great; four of each are enough"},
	{New, "new: the old run does not have it"},
	{Gone, "gone: the new run does not have it"},
}

func printCounts(out *strings.Builder, counts map[Verdict]int) {
	for _, m := range meanings {
		if counts[m.verdict] > 0 {
			fmt.Fprintf(out, "%4d %s\n", counts[m.verdict], m.text)
		}
	}
	if counts[Same] > 0 {
		fmt.Fprintf(out, "%4d %s: no difference beyond the noise\n", counts[Same], Same)
	}
}
