package lease

import (
	"runtime"
	"testing"
	"time"
)

// A lease that is just ending: the live flag is gone, the instant not yet
// written. On one processor the goroutine that writes it starts to run only
// when the reader gives way.
//
//  1. Cancel clears the flag.
//  2. Ended or Published finds it cleared, and waits.
//  3. Cancel stores the instant.
//  4. The reader returns that instant.
func TestReadersWaitForTheInstantOfTheEnd(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	t0 := time.UnixMilli(1_700_000_000_000)
	want := t0.Add(time.Second)
	readers := map[string]func(l *Lease[string]) time.Time{
		"Ended":     func(l *Lease[string]) time.Time { at, _ := l.Ended(); return at },
		"Published": func(l *Lease[string]) time.Time { return time.UnixMilli(l.Published().Eviction) },
	}
	terms := []Term{
		{Duration: 90 * time.Second, Interval: 30 * time.Second},
		{Duration: 90 * time.Second, Rule: Eureka},
	}
	for name, read := range readers {
		for _, term := range terms {
			t.Run(name+"/"+term.Rule.String(), func(t *testing.T) {
				l, err := New(t0, "holder", term)
				if err != nil {
					t.Fatal(err)
				}
				if !l.word.endLife() {
					t.Fatal("got a lease that had ended, want a live one")
				}
				go func() { l.end.Store(int64(newEnding(l.fromRegistration(want), final))) }()
				if got := read(l); !got.Equal(want) {
					t.Errorf("got %v, want %v", got, want)
				}
			})
		}
	}
}
