package preserve

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Reason is why eviction is allowed or withheld.
type Reason uint8

const (
	// SwitchedOff: self-preservation is off, eviction is allowed.
	SwitchedOff Reason = iota + 1
	// EnoughRenewals arrived, eviction is allowed.
	EnoughRenewals
	// TooFewRenewals arrived: so many are missing that the registry suspects
	// itself, and eviction is withheld.
	TooFewRenewals
	// NoThreshold: the threshold is not above zero, and under Eureka's rules
	// no number of renewals is then enough, so eviction is withheld (quirks
	// T4, T6).
	NoThreshold
	// WarmingUp: the registry has not been up for long enough to know how
	// many renewals arrive, and eviction is withheld.
	WarmingUp
	// Unprotected: the rule knows no self-preservation, eviction is allowed
	// (quirk N34).
	Unprotected
	// Disabled: somebody has switched eviction off, and it is withheld.
	Disabled
)

// String returns the reason as words, such as "too few renewals".
func (r Reason) String() string {
	switch r {
	case SwitchedOff:
		return "switched off"
	case EnoughRenewals:
		return "enough renewals"
	case TooFewRenewals:
		return "too few renewals"
	case NoThreshold:
		return "no threshold"
	case WarmingUp:
		return "warming up"
	case Unprotected:
		return "unprotected"
	case Disabled:
		return "disabled"
	}
	return fmt.Sprintf("Reason(%d)", uint8(r))
}

// Decision says whether eviction is allowed, with every number that led to
// it. It is a value: nothing that happens later changes it.
type Decision struct {
	// Allowed is whether expired leases may be evicted now.
	Allowed bool
	// Reason is why.
	Reason Reason
	// Rule is what decided: the release's name, or "exact".
	Rule string
	// Renewals is what was counted in the last window.
	Renewals int64
	// Threshold is what the renewals were compared with.
	Threshold float64
	// Expected is what is expected: renewals per window, or clients.
	Expected float64
	// Clients is whether Expected counts clients, as in Eureka v1.9.4 and
	// later.
	Clients bool
	// Interval is the pause between two renewals that these clients are
	// expected to keep, if Clients is set.
	Interval time.Duration
	// Percent is the fraction of the expected renewals that makes the
	// threshold. Under the faithful rules the threshold may not have followed
	// a change of Percent or Interval yet (quirk T10).
	Percent float64
	// WarmUntil is when the warm-up ends, if the Reason is WarmingUp.
	WarmUntil time.Time

	reaching bool // as many renewals as the threshold are enough
}

// decided returns the decision with its outcome filled in.
func (d Decision) decided(reason Reason) Decision {
	d.Reason = reason
	d.Allowed = reason == SwitchedOff || reason == EnoughRenewals || reason == Unprotected
	return d
}

// String returns the decision as one sentence.
func (d Decision) String() string {
	switch d.Reason {
	case SwitchedOff:
		return "eviction is allowed: self-preservation is off"
	case EnoughRenewals:
		return fmt.Sprintf("eviction is allowed: %s %s the threshold of %s", d.renewals(), d.verb(), d.basis())
	case TooFewRenewals:
		return fmt.Sprintf("eviction is withheld: %s did not %s the threshold of %s", d.renewals(), d.infinitive(), d.basis())
	case NoThreshold:
		return fmt.Sprintf("eviction is withheld: the threshold has to be above 0 and is %s", d.basis())
	case WarmingUp:
		return "eviction is withheld: the registry is warming up until " + d.WarmUntil.UTC().Format(time.RFC3339Nano)
	case Unprotected:
		return "eviction is allowed: the rule has no self-preservation"
	case Disabled:
		return "eviction is withheld: it is switched off"
	}
	return "no decision"
}

func (d Decision) renewals() string {
	return plural(strconv.FormatInt(d.Renewals, 10), "renewal", d.Renewals == 1)
}

func (d Decision) infinitive() string {
	if d.reaching {
		return "reach"
	}
	return "exceed"
}

func (d Decision) verb() string {
	if d.Renewals == 1 {
		return "reaches" // a single one exceeds no whole threshold above 0
	}
	return d.infinitive()
}

// basis is the threshold with what it is made from, as that stands now.
func (d Decision) basis() string {
	expected := counted(d.Expected, "renewal") + " expected"
	if d.Clients {
		expected = fmt.Sprintf("%s expected every %v", counted(d.Expected, "client"), d.Interval)
	}
	return fmt.Sprintf("%s (%s, percent %s)",
		number(d.Threshold), expected, strconv.FormatFloat(d.Percent, 'g', -1, 64))
}

func counted(n float64, noun string) string { return plural(number(n), noun, n == 1) }

func plural(count, noun string, one bool) string {
	if one {
		return count + " " + noun
	}
	return count + " " + noun + "s"
}

// number prints up to three decimals, and more where these would make a whole
// number of one that is not: 18 renewals do not reach 18.00000002.
func number(x float64) string {
	rounded := math.Round(x*1000) / 1000
	if rounded == math.Trunc(rounded) {
		rounded = x
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}
