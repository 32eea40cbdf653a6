// Package script is a small language for stories about a registry: who
// registers, renews, falls silent and leaves, and how much time passes. [Parse]
// reads one, [Run] lets it happen in virtual time.
package script

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Script is a story, line by line. What [Parse] returns it writes again with
// String: Parse(s.String()) equals s.
type Script []Line

// Line is one line of a script.
type Line struct {
	Command Command // nil: none
	Comment string  // with its #; empty: none
}

// String returns the script as [Parse] reads it.
func (s Script) String() string {
	var text strings.Builder
	for _, line := range s {
		text.WriteString(line.String())
		text.WriteByte('\n')
	}
	return text.String()
}

// String returns the line without its end.
func (l Line) String() string {
	switch {
	case l.Command == nil:
		return l.Comment
	case l.Comment == "":
		return l.Command.String()
	}
	return l.Command.String() + "  " + l.Comment
}

// Command is what a line does: one of the types of this package.
type Command interface {
	// String returns the command as Parse reads it.
	String() string

	run(*runner) error
}

// Rules chooses the rules; it comes first. Without it they are the exact ones.
type Rules struct {
	Name string // "exact", "eureka", "spring", "bilibili" or "nacos"
	Tag  string // of an Eureka release, such as "v2.0.6"
}

// Set changes a setting of the registry before anything happens.
type Set struct {
	Name  string // such as "percent"
	Value Value
}

// Open opens the registry for traffic, as Eureka does.
type Open struct {
	Count int64 // of clients that came from peers
}

// Register grants leases.
type Register struct {
	Keys Keys
	Term Spans // none, the duration, or the duration and the interval
}

// Renew sends one heartbeat.
type Renew struct{ Keys Keys }

// Suspect says that leases are suspect, as a probe would.
type Suspect struct{ Keys Keys }

// Exempt exempts leases from suspicion and eviction, or no longer.
type Exempt struct {
	Keys Keys
	On   Switch
}

// Beat makes clients renew by themselves from now on. Of n keys the i-th does
// it first i/n of the interval from now, in whole milliseconds, so that they
// are spread evenly and the last begins a whole interval from now. A client
// that is answered false registers again at once, for the term that it had.
type Beat struct {
	Keys  Keys
	Every time.Duration
}

// Stop makes clients that renew by themselves fall silent.
type Stop struct{ Keys Keys }

// Cancel ends leases as clients that leave do: those that renew by themselves
// stop.
type Cancel struct{ Keys Keys }

// Advance lets time pass, up to and including the instant at its end. Of what
// happens at one instant heartbeats come first, passes then.
type Advance struct{ Duration time.Duration }

// Tick runs the passes that are due now.
type Tick struct{}

// Explain asks why leases are, or are not, evicted.
type Explain struct{ Keys Keys }

// Status asks for the registry's state.
type Status struct{}

// Expect claims what state keys are in.
type Expect struct {
	Keys  Keys
	State State
}

// State is what can become of a key: exactly one of these at each instant.
type State string

// The states of a key.
const (
	StateLive    State = "live"
	StateSuspect State = "suspect"
	StateExpired State = "expired" // and no pass has evicted it
	StateEvicted State = "evicted" // and not registered again
	StateAbsent  State = "absent"  // cancelled, or never registered
)

var states = []State{StateLive, StateSuspect, StateExpired, StateEvicted, StateAbsent}

func (c Rules) String() string {
	if c.Tag == "" {
		return "rules " + c.Name
	}
	return "rules " + c.Name + " " + c.Tag
}

func (c Set) String() string { return fmt.Sprintf("set %s %v", c.Name, c.Value) }

func (c Open) String() string { return "open " + strconv.FormatInt(c.Count, 10) }

func (c Register) String() string {
	return strings.TrimSuffix(fmt.Sprintf("register %v %v", c.Keys, c.Term), " ")
}

func (c Renew) String() string { return "renew " + c.Keys.String() }

func (c Suspect) String() string { return "suspect " + c.Keys.String() }

func (c Exempt) String() string { return fmt.Sprintf("exempt %v %v", c.Keys, c.On) }

func (c Beat) String() string { return fmt.Sprintf("beat %v every %s", c.Keys, Short(c.Every)) }

func (c Stop) String() string { return "stop " + c.Keys.String() }

func (c Cancel) String() string { return "cancel " + c.Keys.String() }

func (c Advance) String() string { return "advance " + Short(c.Duration) }

func (c Tick) String() string { return "tick" }

func (c Explain) String() string { return "explain " + c.Keys.String() }

func (c Status) String() string { return "status" }

func (c Expect) String() string { return fmt.Sprintf("expect %v %s", c.Keys, c.State) }

// Value is what a setting is set to.
type Value interface{ String() string }

// Values of settings.
type (
	// Spans are one duration, or two: a term's duration and interval.
	Spans []time.Duration
	// Number is a fraction.
	Number float64
	// Count is a whole number.
	Count int64
	// Switch is on or off.
	Switch bool
)

func (v Spans) String() string {
	var words []string
	for _, span := range v {
		words = append(words, Short(span))
	}
	return strings.Join(words, " ")
}

func (v Number) String() string { return strconv.FormatFloat(float64(v), 'g', -1, 64) }

func (v Count) String() string { return strconv.FormatInt(int64(v), 10) }

func (v Switch) String() string {
	if v {
		return "on"
	}
	return "off"
}

// Short is a duration as people write it: 5m, where Go writes 5m0s.
func Short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
