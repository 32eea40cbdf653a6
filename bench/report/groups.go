package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// A Group is a heading with the cases that belong below it.
type Group struct {
	Title string
	Says  string // what a value is, in a sentence
	Is    func(Case) bool

	explains bool // no competition: what its values are tells why others are as they are
}

// groups are the known ones. A case belongs to the first that it fits.
var groups = []Group{
	{Title: "Renewing by key", Says: "Nanoseconds a renewal; keys come uniformly at random, and with an instant for those who take one.",
		Is: isRenewal},
	{Title: "Renewing by key, a clock read each time", Says: "The same, with a clock read for each renewal, by the peer or for it.",
		Is: func(c Case) bool { return c.isTimed("renew") && c.Variant != zipf }},
	{Title: "Renewing by key, some much more often", Says: "Nanoseconds a renewal; keys come by Zipf's law.",
		Is: func(c Case) bool { return c.isTimed("renew") }},
	{Title: "What a renewal by key makes the processor do", Says: "Counts of the processor's own, a renewal.",
		Is: of("renew"), explains: true},
	{Title: "Renewing by handle", Says: "Nanoseconds a renewal by what a peer's users can keep of a lease, so that nothing is looked up.",
		Is: of("handle")},
	{Title: "Renewals and registrations", Says: "Nanoseconds an operation, of which 99 % are renewals and 1 % registrations of known keys.",
		Is: of("mixed")},
	{Title: "Registering and cancelling", Says: "Nanoseconds for both, of one lease after the other.",
		Is: of("churn")},
	{Title: "Registering", Says: "Nanoseconds a registration, from none to all leases.",
		Is: of("register")},
	{Title: "Passes that find nobody", Says: "A look for expired leases while everybody is alive.",
		Is: of("alive")},
	{Title: "Passes that end leases", Says: "A pass that ends some of the leases, or all; and the processor time for each of these.",
		Is: of("expired")},
	{Title: "Renewals beside passes", Says: "How long single renewals take, two readings of the clock included: while nothing else happens, and while others pass.",
		Is: of("latency")},
	{Title: "Bytes a lease", Says: "Memory in use with all leases there, by their number; keys included.",
		Is: func(c Case) bool { return c.Metric == "B/lease" }},
	{Title: "Garbage collection", Says: "A full collection with all leases there.",
		Is: of("memory")},
	{Title: "Counting renewals", Says: "Nanoseconds an increment of the meter.",
		Is: of("count")},
	{Title: "Deciding whether to evict", Says: "Nanoseconds a decision.",
		Is: of("decide")},
	{Title: "Picking victims", Says: "Nanoseconds a victim.",
		Is: of("pick")},
	{Title: "From one processor to the other", Says: "Nanoseconds until one processor sees what the other has written: as it varies, so do the figures for two.",
		Is: of("transfer"), explains: true},
}

const zipf = "zipf"

// isRenewal says whether a case is the plain one: by key, instants given.
func isRenewal(c Case) bool { return c.isTimed("renew") && c.Variant != zipf && !c.Clock }

func (c Case) isTimed(workload string) bool { return c.Workload == workload && c.Metric == "ns/op" }

func of(names ...string) func(Case) bool {
	return func(c Case) bool { return slices.Contains(names, c.Workload) }
}

// Groups are the headings for the run's cases, in the order in which to read
// them. Workloads that are not known come last, each with a group of its own,
// so that every case is in one of the groups and in no other.
func Groups(run Run) []Group {
	var found []Group
	taken := map[Case]bool{}
	take := func(g Group) {
		is := map[Case]bool{}
		for _, s := range run.Samples {
			if !taken[s.Case] && g.Is(s.Case) {
				is[s.Case] = true
			}
		}
		for c := range is {
			taken[c] = true
		}
		if len(is) > 0 {
			g.Is = func(c Case) bool { return is[c] }
			found = append(found, g)
		}
	}
	for _, g := range groups {
		take(g)
	}
	for _, s := range run.Samples {
		name := s.Workload
		take(Group{Title: strings.ToUpper(name[:1]) + name[1:], Is: of(name)})
	}
	return found
}

// cases are the run's cases of a kind, by number of leases, of processors, and
// by variants as they were measured first.
func (r Run) cases(is func(Case) bool) []Case {
	var found []Case
	for _, s := range r.Samples {
		if is(s.Case) {
			found = append(found, s.Case)
		}
	}
	variants := distinct(found, variant)
	slices.SortStableFunc(found, func(a, b Case) int {
		return cmp.Or(
			cmp.Compare(a.Leases, b.Leases), cmp.Compare(a.Procs, b.Procs),
			cmp.Compare(slices.Index(variants, a.Variant), slices.Index(variants, b.Variant)),
			compareMetrics(a.Metric, b.Metric),
			cmp.Compare(clock(a), clock(b)), cmp.Compare(a.Workload, b.Workload))
	})
	return slices.Compact(found)
}

// compareMetrics sorts quantiles by what they are of, the greatest value last,
// and other metrics by name.
func compareMetrics(a, b string) int {
	return cmp.Or(cmp.Compare(quantile(a), quantile(b)), cmp.Compare(a, b))
}

func quantile(metric string) float64 {
	name, _, _ := strings.Cut(metric, "-")
	if name == "max" {
		return 100
	}
	of, err := strconv.ParseFloat(strings.TrimPrefix(name, "p"), 64)
	if err != nil {
		return 0
	}
	return of
}

// The peers that stand for this project, and those that are no peers but what
// the machine can do at best.
func isOurs(peer string) bool  { return peer == ours || strings.HasPrefix(peer, ours+"-") }
func isFloor(peer string) bool { return peer == floor || strings.HasPrefix(peer, floor+"-") }

const (
	ours  = "ours"
	floor = "floor"
)
