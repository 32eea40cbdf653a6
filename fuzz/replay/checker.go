package replay

import (
	"fmt"
	"reflect"
)

// checker compares the values of one case after the other and keeps count.
type checker struct {
	result Result
	seen   map[string]bool // the ids so far
	id     string          // the current case
	step   int             // the current operation
}

// check compares one value. Both must have the same type.
func (c *checker) check(what string, got, want any) {
	c.result.Checks++
	if reflect.DeepEqual(got, want) {
		return
	}
	c.result.Mismatches++
	if len(c.result.First) < maxKept {
		c.result.First = append(c.result.First, Mismatch{
			Case: c.id, Step: c.step, What: what, Want: fmt.Sprint(want), Got: fmt.Sprint(got),
		})
	}
}

// checkEach compares two lists of values, element by element, and their
// lengths.
func checkEach[T any](c *checker, what string, got, want []T) {
	c.check("number of "+what, len(got), len(want))
	for i := range min(len(got), len(want)) {
		c.check(fmt.Sprintf("%s %d", what, i), got[i], want[i])
	}
}

func (c *checker) skip(reason error) {
	c.result.Skipped = append(c.result.Skipped, Skip{Case: c.id, Reason: reason.Error()})
}
