package mutant

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// List holds the survivors that are explained.
type List struct {
	entries []entry
}

// entry is one line of the list.
type entry struct {
	key    string
	reason string
}

// key tells a mutant by what it changes, not by its line, which drifts.
func (m Mutant) key() string {
	return strings.Join([]string{m.File, m.Func, m.Before, m.After}, "\t")
}

// ReadList reads a list: a line a survivor, sorted; its fields, separated by
// tabs, are file, function, the source before and after, and the reason why no
// test can tell the two apart. Lines that begin with # are comments.
func ReadList(path string) (List, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return List{}, err
	}
	var l List
	var problems []error
	for i, line := range strings.Split(strings.TrimRight(string(text), "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) != 5 || strings.TrimSpace(fields[4]) == "" {
			problems = append(problems, fmt.Errorf("%s:%d: %q: must be file, function, before, after and a reason", path, i+1, line))
			continue
		}
		l.entries = append(l.entries, entry{strings.Join(fields[:4], "\t"), fields[4]})
	}
	if !slices.IsSortedFunc(l.entries, func(a, b entry) int { return strings.Compare(a.key, b.key) }) {
		problems = append(problems, fmt.Errorf("%s: must be sorted", path))
	}
	return l, errors.Join(problems...)
}

// Reason returns why m may survive, and whether the list says so.
func (l List) Reason(m Mutant) (string, bool) {
	for _, e := range l.entries {
		if e.key == m.key() {
			return e.reason, true
		}
	}
	return "", false
}

// Check reports an error for every entry that the mutants do not hold exactly
// as often as the list does.
func (l List) Check(mutants []Mutant) error {
	surplus := make(map[string]int)
	for _, m := range mutants {
		surplus[m.key()]++
	}
	for _, e := range l.entries {
		surplus[e.key]--
	}
	var problems []error
	for i, e := range l.entries {
		if surplus[e.key] != 0 && (i == 0 || l.entries[i-1].key != e.key) {
			problems = append(problems, fmt.Errorf("%q: the source has %d more of it than the list", e.key, surplus[e.key]))
		}
	}
	return errors.Join(problems...)
}
