package evict

import "fmt"

// Source draws numbers: Intn returns one in [0, n). [JavaRandom] and the Rand
// of math/rand are sources as they are, that of math/rand/v2 through
// [SourceFunc].
type Source interface {
	Intn(n int) int
}

// SourceFunc makes a function a [Source]: evict.SourceFunc(r.IntN) for a
// *rand.Rand of math/rand/v2.
type SourceFunc func(n int) int

// Intn calls f. A nil f draws -1, which [Pick] refuses.
func (f SourceFunc) Intn(n int) int {
	if f == nil {
		return -1
	}
	return f(n)
}

// Pick chooses at most limit victims among the candidates, every subset and
// order of that size with equal probability, and returns them in the order of
// their eviction. Victims are the front of candidates, which is reordered in
// place; nothing is allocated. A limit of zero or less picks nobody.
//
// It is the front part of Knuth's shuffle, drawn forwards: victim i is
// swapped in from position i + Intn(len - i). Given [JavaRandom] seeded with
// the wall-clock milliseconds of the pass, and the candidates in the original
// order, these are Eureka's victims (quirk E3).
//
// It fails if the source is nil, or draws outside its range, as a nil
// [JavaRandom] or [SourceFunc] does; victims are then nil and the candidates
// reordered, but complete. If a source of your own panics, so does Pick.
func Pick[T any](source Source, candidates []T, limit int) ([]T, error) {
	if source == nil {
		return nil, invalid("source", "nil", "must draw numbers")
	}
	limit = max(0, min(limit, len(candidates)))
	for i := range limit {
		left := len(candidates) - i
		drawn := source.Intn(left)
		if drawn < 0 || drawn >= left {
			return nil, invalid("the source's draw", drawn, fmt.Sprintf("must be in [0, %d)", left))
		}
		candidates[i], candidates[i+drawn] = candidates[i+drawn], candidates[i]
	}
	return candidates[:limit:limit], nil
}
