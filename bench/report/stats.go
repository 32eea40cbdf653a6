package report

import (
	"slices"

	"golang.org/x/perf/benchmath"
)

// median is the middle of the values, of which there is at least one.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// halfSpan is half of the way from the least value to the greatest, as a part
// of the median.
func halfSpan(values []float64) float64 {
	span := slices.Max(values) - slices.Min(values)
	if span == 0 {
		return 0
	}
	return span / 2 / median(values)
}

// differ is the probability by Mann and Whitney's test, as benchstat has it,
// that two samples of one distribution are at least as far apart as these.
func differ(a, b []float64) float64 {
	return benchmath.AssumeNothing.Compare(sampleOf(a), sampleOf(b)).P
}

func sampleOf(values []float64) *benchmath.Sample {
	return benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds)
}

// leastP is the least probability that differ can return for samples of these
// sizes: that of the two orders in which all of one come before the other.
func leastP(n, m int) float64 {
	p := 2.0
	for i := 1; i <= m; i++ {
		p *= float64(i) / float64(n+i)
	}
	return min(p, 1)
}
