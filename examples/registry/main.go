package main

import (
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"time"

	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/lease"
)

func main() {
	if err := play(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// play runs the registry in virtual time: one step is ten seconds.
func play(w io.Writer) error {
	const step = 10 * time.Second
	start := time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	term := lease.Term{Duration: 90 * time.Second, Interval: 30 * time.Second}
	source := evict.SourceFunc(rand.New(rand.NewPCG(1, 2)).IntN)
	r, err := newRegistry(start, term, time.Minute, source)
	if err != nil {
		return err
	}
	keys := make([]string, 10)
	for i := range keys {
		keys[i] = fmt.Sprintf("PAYMENTS/i-%d", i)
		if err := r.register(start, keys[i]); err != nil {
			return err
		}
	}
	for elapsed := step; elapsed <= 6*time.Minute; elapsed += step {
		now := start.Add(elapsed)
		if elapsed%term.Interval == 0 {
			for _, key := range keys {
				dead := key == keys[3] && elapsed > time.Minute
				cutOff := elapsed > 4*time.Minute
				if !dead && !cutOff {
					r.renew(now, key)
				}
			}
		}
		if elapsed%time.Minute == 0 {
			decision, evicted, err := r.pass(now)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "%s %v, evicted %v\n", now.Format(time.TimeOnly), decision, evicted)
		}
	}
	return nil
}
