package replay

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
)

// decode reads a case strictly: a field that the replayer does not know would
// be a recorded fact that nobody checks, and a value that is missing or null
// would be read as a zero that nobody recorded.
func decode(line []byte, into any) error {
	if err := checkShape(line, reflect.TypeOf(into).Elem(), "case"); err != nil {
		return err
	}
	return json.Unmarshal(line, into)
}

// caseOf is the frame of a case in every format.
type caseOf[I, O any] struct {
	ID      string `json:"id"`
	Dialect string `json:"dialect,omitempty"`
	Inputs  I      `json:"inputs"`
	Outputs O      `json:"outputs"`
}

// number is a float64 that may be recorded as "NaN", "Infinity" or
// "-Infinity".
type number float64

func (n *number) UnmarshalJSON(text []byte) error {
	var name string
	if err := json.Unmarshal(text, &name); err != nil {
		return json.Unmarshal(text, (*float64)(n))
	}
	switch name {
	case "NaN":
		*n = number(math.NaN())
	case "Infinity":
		*n = number(math.Inf(1))
	case "-Infinity":
		*n = number(math.Inf(-1))
	default:
		return fmt.Errorf("%q is not a number", name)
	}
	return nil
}

// operation is one operation: its name, then its arguments.
type operation struct {
	name string
	args []json.RawMessage
}

func (o *operation) UnmarshalJSON(text []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(text, &parts); err != nil {
		return err
	}
	if len(parts) == 0 {
		return fmt.Errorf("an operation without a name")
	}
	o.args = parts[1:]
	return json.Unmarshal(parts[0], &o.name)
}

// integer returns argument i as the int64 that it was recorded as.
func (o operation) integer(i int) (int64, error) {
	if i >= len(o.args) {
		return 0, fmt.Errorf("operation %q has no argument %d", o.name, i)
	}
	n, err := strconv.ParseInt(string(o.args[i]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("operation %q: %w", o.name, err)
	}
	return n, nil
}

// number returns argument i as a float64.
func (o operation) number(i int) (float64, error) {
	if i >= len(o.args) {
		return 0, fmt.Errorf("operation %q has no argument %d", o.name, i)
	}
	var n number
	err := json.Unmarshal(o.args[i], &n)
	return float64(n), err
}

func (o operation) unknown() error { return fmt.Errorf("unknown operation %q", o.name) }

// first returns the first argument as an int64, and 0 if there is none.
func (o operation) first() (int64, error) {
	if len(o.args) == 0 {
		return 0, nil
	}
	return o.integer(0)
}

// parallel returns an error unless there is one output per operation.
func parallel(operations, outputs int) error {
	if operations != outputs {
		return fmt.Errorf("%d operations but %d outputs", operations, outputs)
	}
	return nil
}

// eachOperation applies the operations, each with what was recorded of it.
func eachOperation[O any](c *checker, operations []operation, outputs []O, apply func(operation, O) error) error {
	if err := parallel(len(operations), len(outputs)); err != nil {
		return err
	}
	for i, op := range operations {
		c.step = i
		if err := apply(op, outputs[i]); err != nil {
			return err
		}
	}
	return nil
}

// boolean is a recorded truth value as Go's.
func boolean(n int64) bool { return n != 0 }

// recordedAs is a truth value as an output records it. Outputs are compared as
// the numbers that they are, so that a 2 is not mistaken for true.
func recordedAs(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
