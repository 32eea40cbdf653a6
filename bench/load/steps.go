package load

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/leasekernel/leasekernel/bench/report"
	"github.com/leasekernel/leasekernel/evict"
	"github.com/leasekernel/leasekernel/preserve"
)

// A step is one way to take the steps of a pass that come after the search:
// whether too many are silent, and whom to evict.
type step struct {
	name string

	// decider returns a function that decides whether so many renewals are
	// enough of n leases.
	decider func(now time.Time, n int) (decide func(renewals int64) bool, err error)

	// picker returns a function that brings a random part of candidates to
	// the front.
	picker func() (pick func(candidates []int32, limit int) error)
}

var steps = []step{
	{"ours", decideExact, pickBy(func() evict.Source { return evict.SourceFunc(rand.New(rand.NewPCG(1, 2)).IntN) })},
	{"ours-eureka", decideEureka, pickBy(func() evict.Source { return evict.NewJavaRandom(1) })},
	{"by hand", decideByHand, pickByHand},
}

func decideExact(now time.Time, n int) (func(int64) bool, error) {
	expectation, err := preserve.NewExpectation(now, preserve.ExpectationConfig{Window: time.Minute, Percent: 0.85})
	if err != nil {
		return nil, err
	}
	for range n {
		if err := expectation.Add(30 * time.Second); err != nil {
			return nil, err
		}
	}
	return func(renewals int64) bool { return expectation.Decide(now, renewals).Allowed }, nil
}

func decideEureka(now time.Time, n int) (func(int64) bool, error) {
	calculator, err := preserve.NewCalculator(preserve.DefaultConfig(preserve.EurekaV1_9_17))
	if err != nil {
		return nil, err
	}
	if err := calculator.Open(now, int64(n)); err != nil {
		return nil, err
	}
	return func(renewals int64) bool { return calculator.Decide(renewals).Allowed }, nil
}

// decideByHand is the line that one writes first.
func decideByHand(_ time.Time, n int) (func(int64) bool, error) {
	return func(renewals int64) bool { return float64(renewals) > float64(n)*2*0.85 }, nil
}

func pickBy(source func() evict.Source) func() func([]int32, int) error {
	return func() func([]int32, int) error {
		source := source()
		return func(candidates []int32, limit int) error {
			_, err := evict.Pick(source, candidates, limit)
			return err
		}
	}
}

// pickByHand shuffles them all and takes the first.
func pickByHand() func([]int32, int) error {
	random := rand.New(rand.NewPCG(1, 2))
	return func(candidates []int32, limit int) error {
		random.Shuffle(len(candidates), func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
		return nil
	}
}

func measureSteps(s *samples) error {
	at := slices.IndexFunc(steps, func(step step) bool { return step.name == s.job.Peer })
	if s.job.wants("decide") {
		if err := measureDecide(s, steps[at]); err != nil {
			return err
		}
	}
	if s.job.wants("pick") {
		return measurePick(s, steps[at])
	}
	return nil
}

func measureDecide(s *samples, step step) error {
	decide, err := step.decider(time.Now(), s.job.Leases)
	if err != nil {
		return err
	}
	allowed := 0
	ns, load := s.timed(1, func(_, calls int) {
		for i := range calls {
			if decide(int64(s.job.Leases + i%s.job.Leases)) {
				allowed++
			}
		}
	})
	runtime.KeepAlive(allowed)
	s.add(report.Case{Workload: "decide", Metric: "ns/op", Procs: 1}, ns, load)
	return nil
}

// measurePick draws Eureka's share of a registry in which all have expired.
func measurePick(s *samples, step step) error {
	candidates := make([]int32, s.job.Leases)
	for i := range candidates {
		candidates[i] = int32(i)
	}
	limit := len(candidates) * 15 / 100
	pick := step.picker()
	var err error
	ns, load := s.timed(1, func(_, calls int) {
		for range calls {
			err = errors.Join(err, pick(candidates, limit))
		}
	})
	s.add(report.Case{Workload: "pick", Metric: "ns/victim", Procs: 1}, ns/float64(limit), load)
	return err
}
