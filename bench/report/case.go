package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A dimension is something in which cases differ, in words; empty where there
// is nothing to say.
type dimension func(Case) string

var dimensions = []dimension{workload, variant, metric, leases, cores, clock}

func workload(c Case) string { return c.Workload }
func variant(c Case) string  { return c.Variant }
func metric(c Case) string   { return strings.ReplaceAll(c.Metric, "-", " ") }

func clock(c Case) string {
	if c.Clock {
		return "clock read"
	}
	return ""
}

func leases(c Case) string {
	switch n := c.Leases; {
	case n == 0:
		return ""
	case n%1_000_000 == 0:
		return fmt.Sprintf("%dM leases", n/1_000_000)
	case n%1000 == 0:
		return fmt.Sprintf("%dk leases", n/1000)
	default:
		return fmt.Sprintf("%d leases", n)
	}
}

func cores(c Case) string {
	if c.Procs == 1 {
		return "1 core"
	}
	return fmt.Sprintf("%d cores", c.Procs)
}

// String is such as "renew, zipf, ns/op, 1M leases, 2 cores".
func (c Case) String() string { return strings.Join(words(c, dimensions), ", ") }

// words are what the dimensions say of a case.
func words(c Case, of []dimension) []string {
	var said []string
	for _, d := range of {
		if word := d(c); word != "" {
			said = append(said, word)
		}
	}
	return said
}

// split tells the dimensions in which the cases are all alike from those in
// which they differ.
func split(cases []Case) (alike, differing []dimension) {
	for _, d := range dimensions {
		if len(distinct(cases, d)) == 1 {
			alike = append(alike, d)
		} else {
			differing = append(differing, d)
		}
	}
	return alike, differing
}

// distinct are the words for the cases, each once, in the order of the cases.
func distinct(cases []Case, d dimension) []string {
	var words []string
	seen := map[string]bool{}
	for _, c := range cases {
		if word := d(c); !seen[word] {
			seen[word] = true
			words = append(words, word)
		}
	}
	return words
}

// figure writes a value with three digits, or two below 1, and thousands apart
// from 10 000 on.
func figure(value float64) string {
	if value == 0 {
		return "0"
	}
	if math.IsInf(value, 0) || math.IsNaN(value) {
		return "-"
	}
	digits := 3
	if value < 1 {
		digits = 2
	}
	_, exponent, _ := strings.Cut(strconv.FormatFloat(value, 'e', digits-1, 64), "e")
	power, _ := strconv.Atoi(exponent)
	text := strconv.FormatFloat(value, 'f', max(digits-1-power, 0), 64)
	if value < 9999.5 {
		return text
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + " " + text[i:]
	}
	return text
}

func percent(part float64) string { return fmt.Sprintf("%.0f%%", 100*part) }
