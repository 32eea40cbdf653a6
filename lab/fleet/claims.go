package fleet

import (
	"fmt"
	"iter"
	"slices"
)

// Broken returns what the measures of [Compare] show not to be so of what is
// claimed for the Pacer: that in each scenario the most requests that come in a
// second, and in a tenth of one, are fewer than with any other policy, and
// that no lease is lost. The first is only claimed for a deployment's starts.
func Broken(measures []Measure) (claims []string) {
	for scenario := range each(measures) {
		ours, others := scenario[len(scenario)-1], scenario[:len(scenario)-1]
		for _, other := range others {
			if ours.Second >= other.Second || ours.Tenth >= other.Tenth {
				claims = append(claims, fmt.Sprintf("%s: the Pacer's peak is %d a second and %d a tenth, %s's %d and %d",
					ours.Scenario, ours.Second, ours.Tenth, other.Policy, other.Second, other.Tenth))
			}
		}
		if ours.Lost > 0 {
			claims = append(claims, fmt.Sprintf("%s: the Pacer lost %d leases", ours.Scenario, ours.Lost))
		}
	}
	return claims
}

// each yields the measures of one scenario after the other, the Pacer's last.
func each(measures []Measure) iter.Seq[[]Measure] {
	return slices.Chunk(measures, len(Policies()))
}
