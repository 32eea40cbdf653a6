package heartbeat_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/heartbeat"
)

const (
	success  = heartbeat.Success
	timeout  = heartbeat.Timeout
	rejected = heartbeat.Rejected
	failed   = heartbeat.Failed
)

// supervisor returns one of valid arguments.
func supervisor(t *testing.T, timeout time.Duration, bound int) *heartbeat.Supervisor {
	t.Helper()
	s, err := heartbeat.NewSupervisor(timeout, bound)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOutcomesAreWords(t *testing.T) {
	for outcome, want := range map[heartbeat.Outcome]string{
		success: "success", timeout: "timeout", rejected: "rejected", failed: "failed", 4: "Outcome(4)", 255: "Outcome(255)",
	} {
		if got := outcome.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	var zero heartbeat.Outcome
	if zero != success {
		t.Errorf("the zero Outcome: got %v, want success", zero)
	}
}

func TestNewSupervisorNamesAllProblems(t *testing.T) {
	for name, row := range map[string]struct {
		timeout time.Duration
		bound   int
		want    []string // the arguments that the error names
	}{
		"timeout 0":          {0, 10, []string{"timeout"}},
		"negative timeout":   {-time.Second, 10, []string{"timeout"}},
		"least timeout":      {math.MinInt64, 10, []string{"timeout"}},
		"bound 0":            {30 * time.Second, 0, []string{"bound"}},
		"negative bound":     {30 * time.Second, -1, []string{"bound"}},
		"least bound":        {30 * time.Second, math.MinInt, []string{"bound"}},
		"product too great":  {math.MaxInt64/2 + 1, 2, []string{"bound"}},
		"both too great":     {math.MaxInt64, math.MaxInt, []string{"bound"}},
		"both at once":       {0, 0, []string{"timeout", "bound"}},
		"greatest timeout":   {math.MaxInt64, 1, nil},
		"greatest product":   {math.MaxInt64 / 7, 7, nil},
		"greatest bound":     {1, math.MaxInt, nil},
		"the original's own": {30 * time.Second, 10, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := heartbeat.NewSupervisor(row.timeout, row.bound)
			if row.want == nil {
				if err != nil {
					t.Fatalf("got %v, want no error", err)
				}
				if got := s.Next(success); got != row.timeout {
					t.Errorf("got %v, want %v", got, row.timeout)
				}
				return
			}
			if s != nil || !errors.Is(err, heartbeat.ErrInvalid) {
				t.Fatalf("got %v, %v, want no supervisor and ErrInvalid", s, err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(row.want) {
				t.Fatalf("got %d problems, want %d: %v", len(lines), len(row.want), err)
			}
			for i, argument := range row.want {
				if want := "heartbeat: invalid argument: " + argument + " is "; !strings.HasPrefix(lines[i], want) {
					t.Errorf("got %q, want it to start with %q", lines[i], want)
				}
			}
		})
	}
}

func TestErrorsNameTheArgumentTheValueAndTheRule(t *testing.T) {
	_, both := heartbeat.NewSupervisor(-time.Second, 0)
	_, product := heartbeat.NewSupervisor(200*365*24*time.Hour, 2)
	for want, err := range map[string]error{
		"timeout is -1s: must be above 0\n" +
			"heartbeat: invalid argument: bound is 0: must be at least 1": both,
		"bound is 2: times timeout (1752000h0m0s) must fit a time.Duration": product,
	} {
		if want = "heartbeat: invalid argument: " + want; err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// Quirks S1 and S4: a timeout doubles the delay up to the bound, only a
// success resets it.
func TestDelayAfterEachOutcome(t *testing.T) {
	type run struct {
		outcome heartbeat.Outcome
		want    time.Duration
	}
	const s = time.Second
	for name, row := range map[string]struct {
		timeout time.Duration
		bound   int
		runs    []run
	}{
		"a success keeps to the timeout": {30 * s, 10, []run{{success, 30 * s}, {success, 30 * s}}},
		"a timeout doubles it up to the bound": {30 * s, 10, []run{
			{timeout, 60 * s}, {timeout, 120 * s}, {timeout, 240 * s}, {timeout, 300 * s}, {timeout, 300 * s}}},
		"a success resets it": {30 * s, 10, []run{
			{timeout, 60 * s}, {timeout, 120 * s}, {success, 30 * s}, {timeout, 60 * s}}},
		"a success resets the greatest": {5 * s, 5, []run{
			{timeout, 10 * s}, {timeout, 20 * s}, {timeout, 25 * s}, {timeout, 25 * s}, {success, 5 * s}}},
		"a bound that is a power of two": {5 * s, 4, []run{
			{timeout, 10 * s}, {timeout, 20 * s}, {timeout, 20 * s}}},
		"rejected and failed leave it": {10 * s, 10, []run{ // as recorded
			{timeout, 20 * s}, {rejected, 20 * s}, {rejected, 20 * s}, {failed, 20 * s},
			{failed, 20 * s}, {failed, 20 * s}, {timeout, 40 * s}, {failed, 40 * s}}},
		"rejected and failed leave the first": {60 * s, 10, []run{
			{rejected, 60 * s}, {failed, 60 * s}, {failed, 60 * s}, {rejected, 60 * s}}},
		"rejected and failed do not reset it": {30 * s, 10, []run{
			{timeout, 60 * s}, {rejected, 60 * s}, {failed, 60 * s}, {success, 30 * s}}},
		"an unknown outcome leaves it": {30 * s, 10, []run{
			{timeout, 60 * s}, {4, 60 * s}, {255, 60 * s}}},
		"a bound of 1 never backs off": {30 * s, 1, []run{ // quirk S2
			{timeout, 30 * s}, {timeout, 30 * s}, {success, 30 * s}}},
		"the shortest timeout": {1, 3, []run{
			{timeout, 2}, {timeout, 3}, {timeout, 3}, {success, 1}}},
		"the shortest, bound 1": {1, 1, []run{{timeout, 1}, {timeout, 1}}},
		"the longest": {math.MaxInt64, 1, []run{
			{timeout, math.MaxInt64}, {timeout, math.MaxInt64}, {success, math.MaxInt64}}},
		"no product of the delay overflows": {math.MaxInt64 / 3, 3, []run{
			{timeout, math.MaxInt64 / 3 * 2}, {timeout, math.MaxInt64 / 3 * 3}, {timeout, math.MaxInt64 / 3 * 3}}},
	} {
		t.Run(name, func(t *testing.T) {
			exact := supervisor(t, row.timeout, row.bound)
			for i, run := range row.runs {
				if got := exact.Next(run.outcome); got != run.want {
					t.Errorf("run %d, %v: got %v, want %v", i, run.outcome, got, run.want)
				}
			}
		})
	}
}

// Property: the two supervisors agree on every sequence of six outcomes.
func TestSupervisorsAgree(t *testing.T) {
	for _, bound := range []int{1, 2, 3, 5, 8, 10} {
		for sequence := range 1 << 12 {
			exact := supervisor(t, 30*time.Second, bound)
			eureka := heartbeat.NewEurekaSupervisor(30000, int32(bound))
			for run := range 6 {
				outcome := heartbeat.Outcome(sequence >> (2 * run) & 3)
				got := exact.Next(outcome)
				want, again := eureka.Next(outcome, false)
				if got.Milliseconds() != want || !again {
					t.Fatalf("bound %d, outcomes %012b, run %d: got %v, want %d ms, again %v", bound, sequence, run, got, want, again)
				}
			}
		}
	}
}

// Quirks S1, S2 and S4 in the original's units, which take any value.
func TestEurekaDelayAfterEachOutcome(t *testing.T) {
	type run struct {
		outcome heartbeat.Outcome
		want    int64
	}
	for name, row := range map[string]struct {
		timeout int64
		bound   int32
		runs    []run
	}{
		"S1 as recorded": {5000, 5, []run{
			{timeout, 10000}, {timeout, 20000}, {timeout, 25000}, {timeout, 25000}, {success, 5000}}},
		"S4 as recorded": {10000, 10, []run{
			{timeout, 20000}, {rejected, 20000}, {rejected, 20000}, {failed, 20000}, {timeout, 40000}, {failed, 40000}}},
		"S2: a bound of 0 makes a busy loop until a success": {30000, 0, []run{
			{success, 30000}, {rejected, 30000}, {timeout, 0}, {failed, 0}, {timeout, 0}, {success, 30000}}},
		"S2: a timeout of 0 is a busy loop": {0, 10, []run{
			{success, 0}, {timeout, 0}, {failed, 0}, {success, 0}}},
		"S2: a bound of 1 never backs off": {5, 1, []run{
			{timeout, 5}, {timeout, 5}, {success, 5}, {timeout, 5}}},
		"S2: a negative bound makes a negative delay": {60000, -1, []run{
			{timeout, -60000}, {rejected, -60000}, {success, 60000}, {timeout, -60000},
			{timeout, -120000}, {timeout, -240000}, {rejected, -240000}, {success, 60000}}},
		"a negative timeout": {-10, 10, []run{
			{success, -10}, {timeout, -100}, {timeout, -200}, {success, -10}}},
		"the greatest int of seconds": {2147483647000, 2, []run{
			{timeout, 4294967294000}, {rejected, 4294967294000}, {timeout, 4294967294000}, {success, 2147483647000}}},
		"the greatest bound": {10, math.MaxInt32, []run{
			{timeout, 20}, {timeout, 40}, {timeout, 80}, {timeout, 160}}},
		"the most wraps": {math.MaxInt64, 2, []run{
			{success, math.MaxInt64}, {timeout, -2}, {timeout, -4}, {success, math.MaxInt64}}},
		"the double wraps": {1<<62 + 1, 1, []run{
			{timeout, -1<<63 + 2}, {timeout, 4}, {timeout, 8}}},
		"an unknown outcome leaves it": {30000, 10, []run{{timeout, 60000}, {4, 60000}}},
	} {
		t.Run(name, func(t *testing.T) {
			eureka := heartbeat.NewEurekaSupervisor(row.timeout, row.bound)
			for i, run := range row.runs {
				if got, again := eureka.Next(run.outcome, false); got != run.want || !again {
					t.Errorf("run %d, %v: got %d, %v, want %d, true", i, run.outcome, got, again, run.want)
				}
			}
		})
	}
}

// Quirk S3: up to v1.4.12 the task goes on after the shutdown.
func TestShutdownEndsTheTaskUnlessAfterShutdown(t *testing.T) {
	type run struct {
		outcome  heartbeat.Outcome
		shutdown bool
		want     int64
		again    bool
	}
	for name, row := range map[string]struct {
		afterShutdown bool
		runs          []run
	}{
		"v1.5.0 and later": {false, []run{
			{timeout, false, 60000, true}, {timeout, true, 0, false}, {success, true, 0, false}, {rejected, true, 0, false}, {failed, true, 0, false}}},
		"up to v1.4.12": {true, []run{
			{timeout, false, 60000, true}, {timeout, true, 120000, true}, {rejected, true, 120000, true}, {failed, true, 120000, true}, {success, true, 30000, true}}},
	} {
		t.Run(name, func(t *testing.T) {
			eureka := heartbeat.NewEurekaSupervisor(30000, 10)
			eureka.AfterShutdown = row.afterShutdown
			for i, run := range row.runs {
				if got, again := eureka.Next(run.outcome, run.shutdown); got != run.want || again != run.again {
					t.Errorf("run %d, %v: got %d, %v, want %d, %v", i, run.outcome, got, again, run.want, run.again)
				}
			}
		})
	}
}

// The delay counts from the end of a run, so that an answer that takes 5.3 s
// alone brings renewals every 30 s below 85 %: 600 instead of 706.
func TestLatencyLowersTheRate(t *testing.T) {
	const latency = 5300 * time.Millisecond
	start := time.UnixMilli(1_700_000_000_000)
	end := start.Add(353 * time.Minute)
	s := supervisor(t, 30*time.Second, 10)
	renewals := 0
	for now := start; now.Before(end); renewals++ {
		now = now.Add(latency)
		now = now.Add(s.Next(success))
	}
	if want := 600; renewals != want {
		t.Errorf("got %d renewals, want %d", renewals, want)
	}
	if promised := 2 * 353; float64(renewals) >= 0.85*float64(promised) {
		t.Errorf("got %d of %d, want less than 85 %%", renewals, promised)
	}
}

// The first run comes one timeout after the start, and Delay follows Next.
func TestDelayIsTheOneThatStands(t *testing.T) {
	exact, err := heartbeat.NewSupervisor(30*time.Second, 10)
	if err != nil {
		t.Fatal(err)
	}
	eureka := heartbeat.NewEurekaSupervisor(30_000, 10)
	for _, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute} {
		if got := exact.Delay(); got != want {
			t.Errorf("exact: got %v, want %v", got, want)
		}
		if got := eureka.DelayMillis(); got != want.Milliseconds() {
			t.Errorf("eureka: got %d ms, want %v", got, want)
		}
		exact.Next(heartbeat.Timeout)
		eureka.Next(heartbeat.Timeout, true) // also counted by a task that ends here
	}
}
