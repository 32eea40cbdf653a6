package preserve

import (
	"fmt"
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
	// NothingExpected: the threshold is not above zero, and no number of
	// renewals counts as enough, so eviction is withheld (quirk T6).
	NothingExpected
	// WarmingUp: the registry has not been up for long enough to know how
	// many renewals arrive, and eviction is withheld.
	WarmingUp
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
	case NothingExpected:
		return "nothing expected"
	case WarmingUp:
		return "warming up"
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
	// Expected is what the threshold is the Percent of: renewals per window,
	// or clients if Interval is set.
	Expected float64
	// Percent is the fraction of the expected renewals that was asked for.
	Percent float64
	// Interval is that of the expected clients, where these are expected
	// (Eureka v1.9.4 and later), otherwise 0. It is the configured one, which
	// the threshold may not have followed yet (quirk T10).
	Interval time.Duration
	// WarmUntil is when the warm-up ends, if the Reason is WarmingUp.
	WarmUntil time.Time

	reaching bool // as many renewals as the threshold are enough
}

// decided returns the decision with its outcome filled in.
func (d Decision) decided(reason Reason) Decision {
	d.Reason = reason
	d.Allowed = reason == SwitchedOff || reason == EnoughRenewals
	return d
}

// String returns the decision as one sentence.
func (d Decision) String() string {
	switch d.Reason {
	case SwitchedOff:
		return "eviction is allowed: self-preservation is off"
	case EnoughRenewals:
		return fmt.Sprintf("eviction is allowed: %s %s the threshold of %s", d.renewals(), d.verb(), d.threshold())
	case TooFewRenewals:
		return fmt.Sprintf("eviction is withheld: %s did not %s the threshold of %s", d.renewals(), d.verb(), d.threshold())
	case NothingExpected:
		return fmt.Sprintf("eviction is withheld: no number of renewals is enough for the threshold of %s", d.threshold())
	case WarmingUp:
		return "eviction is withheld: the registry warms up until " + d.WarmUntil.UTC().Format(time.RFC3339Nano)
	}
	return "no decision"
}

func (d Decision) renewals() string {
	if d.Renewals == 1 {
		return "1 renewal"
	}
	return strconv.FormatInt(d.Renewals, 10) + " renewals"
}

func (d Decision) verb() string {
	if d.reaching {
		return "reach"
	}
	return "exceed"
}

func (d Decision) threshold() string {
	what := "renewals"
	if d.Interval != 0 {
		what = fmt.Sprintf("clients renewing every %v", d.Interval)
	}
	return fmt.Sprintf("%s, set from %s of %s %s", number(d.Threshold), number(d.Percent), number(d.Expected), what)
}

// number prints whole numbers without a fraction and others with six digits
// at most.
func number(x float64) string {
	if x == float64(int64(x)) {
		return strconv.FormatInt(int64(x), 10)
	}
	return strconv.FormatFloat(x, 'g', 6, 64)
}
