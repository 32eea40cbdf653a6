package ratemeter

import (
	"math"
	"testing"
	"time"
)

func TestAStepWordHoldsUpToItsLimit(t *testing.T) {
	word := newStepWord(5, maxCount-1)
	for _, want := range []int64{maxCount, maxCount} {
		if word = word.plus(math.MaxUint32); word.count() != want || word.age(5) != 0 {
			t.Errorf("got %d of age %d, want %d of age 0", word.count(), word.age(5), want)
		}
	}
}

func TestAgeTakesTheNearerWayRound(t *testing.T) {
	const round = 1 << 28
	for _, row := range []struct {
		word, now uint64
		want      int64
	}{
		{0, 0, 0}, {3, 5, 2}, {5, 3, -2}, {round - 1, 0, 1}, {0, round - 1, -1}, {7, 7 + round, 0},
		{math.MaxUint64, 0, 1}, // revolution -1
	} {
		if got := newStepWord(row.word, 1).age(row.now); got != row.want {
			t.Errorf("word of %d at %d: got %d, want %d", row.word, row.now, got, row.want)
		}
	}
}

// A word that nobody marks is emptied by Count, so that it cannot be taken
// for current when its revolution's number comes round.
func TestCountEmptiesOldWords(t *testing.T) {
	t0 := time.UnixMilli(1_700_000_000_000)
	s, err := NewSliding(t0, time.Millisecond, 1)
	if err != nil {
		t.Fatal(err)
	}
	const halfway = 4 * time.Millisecond << 27 // a ring has 4 words
	for _, counted := range []bool{true, false} {
		s.Stripe(0).Mark(t0, 7)
		if counted {
			s.Count(t0.Add(halfway))
		}
		got, want := s.Count(t0.Add(2*halfway)), int64(7) // mistaken for current
		if counted {
			want = 0
		}
		if got != want {
			t.Errorf("counted half way: %v: got %d, want %d", counted, got, want)
		}
	}
}
