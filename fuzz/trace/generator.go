package trace

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// A Generator draws values that can be written down. Generators are those of
// rapid, as far as machines need them.
type Generator[V any] struct {
	draw func(t *T, label string) V
}

// Draw draws a value: a random one, or, when a trace is run again, the one that
// was drawn then.
func (g Generator[V]) Draw(t *T, label string) V { return g.draw(t, label) }

// leaf is a generator whose values are drawn by rapid and have a text.
func leaf[V any](random *rapid.Generator[V], print func(V) string, parse func(string) (V, error)) Generator[V] {
	printAny := func(v any) string { return print(v.(V)) }
	return Generator[V]{func(t *T, label string) V {
		if t.random == nil {
			text := t.next(label)
			v, err := parse(text)
			if err != nil {
				t.unfit("%s=%s: %v", labelled(label), text, err)
			}
			return v
		}
		v := random.Draw(t.random, label)
		t.record(Draw{labelled(label), v, printAny})
		return v
	}}
}

func labelled(label string) string { return strings.ReplaceAll(label, " ", "-") }

// Bool draws either.
func Bool() Generator[bool] { return leaf(rapid.Bool(), strconv.FormatBool, strconv.ParseBool) }

// Int64Range draws from least up to and including most, as IntRange and
// Uint64Range do.
func Int64Range(least, most int64) Generator[int64] {
	return leaf(rapid.Int64Range(least, most), func(v int64) string { return strconv.FormatInt(v, 10) }, func(s string) (int64, error) {
		v, err := strconv.ParseInt(s, 10, 64)
		return v, ranged(err, v < least || v > most, least, most)
	})
}

// IntRange is Int64Range for an int.
func IntRange(least, most int) Generator[int] {
	return Map(Int64Range(int64(least), int64(most)), func(v int64) int { return int(v) })
}

// Uint64Range is Int64Range for a uint64.
func Uint64Range(least, most uint64) Generator[uint64] {
	return leaf(rapid.Uint64Range(least, most), func(v uint64) string { return strconv.FormatUint(v, 10) }, func(s string) (uint64, error) {
		v, err := strconv.ParseUint(s, 10, 64)
		return v, ranged(err, v < least || v > most, least, most)
	})
}

// Float64Range is Int64Range for a float64.
func Float64Range(least, most float64) Generator[float64] {
	return leaf(rapid.Float64Range(least, most), func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }, func(s string) (float64, error) {
		v, err := strconv.ParseFloat(s, 64)
		return v, ranged(err, v < least || v > most, least, most)
	})
}

func ranged[N any](err error, outside bool, least, most N) error {
	if err == nil && outside {
		return fmt.Errorf("it is not within %v to %v", least, most)
	}
	return err
}

// Int64 draws any.
func Int64() Generator[int64] { return Int64Range(-1<<63, 1<<63-1) }

// Int32 draws any.
func Int32() Generator[int32] {
	return Map(Int64Range(-1<<31, 1<<31-1), func(v int64) int32 { return int32(v) })
}

// Uint64 draws any.
func Uint64() Generator[uint64] { return Uint64Range(0, 1<<64-1) }

// SampledFrom draws one of the values. Those that are words or numbers are
// written as such, if they do not look like an earlier one; all others by their
// place in the list.
func SampledFrom[V any](values []V) Generator[V] {
	text := func(i int) string {
		text, ok := plain(values[i])
		for _, earlier := range values[:i] {
			if other, _ := plain(earlier); !ok || other == text {
				return "#" + strconv.Itoa(i)
			}
		}
		if !ok {
			return "#0"
		}
		return text
	}
	number := leaf(rapid.IntRange(0, len(values)-1), text, func(s string) (int, error) {
		for i := range values {
			if text(i) == s {
				return i, nil
			}
		}
		return 0, fmt.Errorf("it is none of the %d there are", len(values))
	})
	return Map(number, func(i int) V { return values[i] })
}

// plain is the text of what has the same one in each process.
func plain(v any) (text string, ok bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case time.Time: // prints its monotonic reading, too
		return "", false
	case fmt.Stringer:
		return v.String(), true
	case bool, int, int32, int64, uint32, uint64, float64:
		return fmt.Sprint(v), true
	}
	return "", false
}

// Just draws the one value, and writes nothing.
func Just[V any](v V) Generator[V] { return Generator[V]{func(*T, string) V { return v }} }

// OneOf draws which generator to draw from.
func OneOf[V any](generators ...Generator[V]) Generator[V] {
	which := IntRange(0, len(generators)-1)
	return Generator[V]{func(t *T, label string) V {
		return generators[which.Draw(t, label+" from")].Draw(t, label)
	}}
}

// Map draws what is made of another generator's value, which is the one that
// is written.
func Map[U, V any](from Generator[U], of func(U) V) Generator[V] {
	return Generator[V]{func(t *T, label string) V { return of(from.Draw(t, label)) }}
}

// Custom draws what a function draws.
func Custom[V any](draw func(*T) V) Generator[V] {
	return Generator[V]{func(t *T, _ string) V { return draw(t) }}
}
