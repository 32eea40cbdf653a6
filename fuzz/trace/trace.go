// Package trace drives state machines by random operations, and writes down
// what it did as a text that can be read, shortened, kept and run again.
//
// A [Machine] pairs a kernel with a model of it. What its operations draw,
// from the generators of this package, is recorded with the label under which
// it was drawn; the same machine run on that record does the same again. So a
// violation that chance has found becomes a file, and a file a test.
package trace

import (
	"fmt"
	"strconv"
	"strings"
)

// A Machine is a state machine of operations that draw what they need.
type Machine struct {
	Name string
	// Start makes a machine in its first state and returns its operations by
	// name. The one without a name, if any, is called after Start and after
	// every other one: it checks all laws.
	Start func(*T) Operations
}

// Operations are what a machine can do next.
type Operations map[string]func(*T)

// A Trace is what one run of a machine did.
type Trace struct {
	Machine  string
	Violated string // what the run ended with, in one line; empty if it ended well
	Steps    []Step
}

// A Step is one operation, with all that was drawn for it and for the check
// after it. The first one of a trace is the machine's start.
type Step struct {
	Operation string
	Draws     []Draw
	// Cut says that the run ended in this step, so that there may be more to
	// draw where it does not end.
	Cut bool
}

// A Draw is one value that was drawn, as text.
type Draw struct {
	Label string
	value any
	print func(any) string // of a value that is not a text yet
}

// start is what the first step of a trace is called, and cut is the last word
// of a step in which the run ended.
const (
	start = "start"
	cut   = "..."
)

func (d Draw) text() string {
	if d.print == nil {
		return d.value.(string)
	}
	return d.print(d.value)
}

// String is a step as one line: the operation and what it drew, in order.
func (s Step) String() string {
	var line strings.Builder
	line.WriteString(word(s.Operation))
	for _, draw := range s.Draws {
		line.WriteString(" " + word(draw.Label) + "=" + word(draw.text()))
	}
	if s.Cut {
		line.WriteString(" " + cut)
	}
	return line.String()
}

// word quotes what would not be one word of a line.
func word(s string) string {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '"' || r == '=' || r == '#' || r > '~' }) {
		return strconv.Quote(s)
	}
	return s
}

// String is a trace in the form that [Parse] reads.
func (t Trace) String() string {
	var text strings.Builder
	if t.Violated != "" {
		what, _, _ := strings.Cut(t.Violated, "\n")
		fmt.Fprintf(&text, "# %s\n", what)
	}
	fmt.Fprintf(&text, "machine %s\n", word(t.Machine))
	for _, step := range t.Steps {
		fmt.Fprintln(&text, step)
	}
	return text.String()
}

// Parse reads a trace: one step a line, without empty lines and those that
// begin with #. The first line is the machine's name, the second its start. An
// error names the line and what is wrong with it.
func Parse(text string) (Trace, error) {
	var t Trace
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		step, rest, err := parseStep(line)
		switch {
		case err != nil:
		case t.Machine == "" && (step.Operation != "machine" || rest == ""):
			err = fmt.Errorf("%q is no line such as: machine lease", line)
		case t.Machine == "":
			t.Machine = rest
			continue
		case rest != "":
			err = fmt.Errorf("%q has no value: draws are written label=value", rest)
		case len(t.Steps) == 0 && step.Operation != start:
			err = fmt.Errorf("the first step is %q, not %q", step.Operation, start)
		}
		if err != nil {
			return Trace{}, fmt.Errorf("line %d: %w", i+1, err)
		}
		t.Steps = append(t.Steps, step)
	}
	if len(t.Steps) == 0 {
		return Trace{}, fmt.Errorf("no line is the machine's %q", start)
	}
	return t, nil
}

// parseStep reads one line. The rest is a last word that is no draw.
func parseStep(line string) (step Step, rest string, err error) {
	step.Operation, line, err = cutWord(line)
	for err == nil && line != "" {
		if rest != "" {
			return step, rest, fmt.Errorf("%q has no value: draws are written label=value", rest)
		}
		var label, value string
		if label, line, err = cutWord(line); err != nil {
			break
		}
		if !strings.HasPrefix(line, "=") {
			if step.Cut = label == cut && line == ""; step.Cut {
				return step, "", nil
			}
			rest = label
			line = strings.TrimLeft(line, " ")
			continue
		}
		if value, line, err = cutWord(line[1:]); err == nil {
			step.Draws = append(step.Draws, Draw{Label: label, value: value})
		}
		line = strings.TrimLeft(line, " ")
	}
	return step, rest, err
}

// cutWord cuts the first word off a line, quoted or not. What follows a word
// is a space, an equals sign or nothing.
func cutWord(line string) (first, after string, err error) {
	if !strings.HasPrefix(line, `"`) {
		end := strings.IndexAny(line, " =")
		if end < 0 {
			end = len(line)
		}
		if end == 0 || strings.Contains(line[:end], `"`) {
			return "", "", fmt.Errorf("%q does not begin with a word", line)
		}
		return line[:end], strings.TrimLeft(line[end:], " "), nil
	}
	quoted, err := strconv.QuotedPrefix(line)
	if err != nil {
		return "", "", fmt.Errorf("%q is a quotation without an end", line)
	}
	first, err = strconv.Unquote(quoted)
	return first, strings.TrimLeft(line[len(quoted):], " "), err
}
