package quirk

import (
	"fmt"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel/heartbeat"
)

func supervisorQuirks() []Quirk {
	const (
		ok       = heartbeat.Success
		timeout  = heartbeat.Timeout
		failed   = heartbeat.Failed
		rejected = heartbeat.Rejected
	)
	return []Quirk{
		{
			ID:    "S1",
			Title: "Only timeouts back off: doubled up to the bound, reset by a success",
			Story: "A heartbeat with a timeout of 30 s and a bound of 10: five timeouts, then a success. The delays after each:",
			Facts: []Fact{
				eureka("1m0s, 2m0s, 4m0s, 5m0s, 5m0s, 30s", func() string {
					return eurekaDelays(30_000, 10, timeout, timeout, timeout, timeout, timeout, ok)
				}),
				exact("1m0s, 2m0s, 4m0s, 5m0s, 5m0s, 30s", func() string {
					return exactDelays(30*time.Second, 10, timeout, timeout, timeout, timeout, timeout, ok)
				}),
			},
		},
		{
			ID:    "S2",
			Title: "A bound of 0 turns a timeout into a busy loop",
			Story: "A timeout of 30 s and a bound of 0, of 1 and of -1: the delays after two timeouts.",
			Facts: []Fact{
				eureka("0s, 0s; 30s, 30s; -30s, -1m0s", func() string {
					return strings.Join([]string{
						eurekaDelays(30_000, 0, timeout, timeout),
						eurekaDelays(30_000, 1, timeout, timeout),
						eurekaDelays(30_000, -1, timeout, timeout),
					}, "; ")
				}),
				exact("bound 0: refused; 30s, 30s; bound -1: refused", func() string {
					return strings.Join([]string{
						exactDelays(30*time.Second, 0, timeout, timeout),
						exactDelays(30*time.Second, 1, timeout, timeout),
						exactDelays(30*time.Second, -1, timeout, timeout),
					}, "; ")
				}),
			},
		},
		{
			ID:    "S3",
			Title: "Old releases schedule on although the scheduler was shut down",
			Story: "A timeout of 30 s; the scheduler is shut down during the first run. Is there a second one?",
			Facts: []Fact{
				{"v1.4.12", "after 30s", func() string { return afterShutdown(true) }},
				{"v1.5.0 - v2.0.6", "never", func() string { return afterShutdown(false) }},
				exact("no counterpart: whoever owns the timer stops asking for delays", nil),
			},
		},
		{
			ID:    "S4",
			Title: "Failures and rejections neither back off nor reset",
			Story: "A timeout of 30 s and a bound of 10: a failure, a timeout, a failure, a rejection, a success. The delays after each:",
			Facts: []Fact{
				eureka("30s, 1m0s, 1m0s, 1m0s, 30s", func() string {
					return eurekaDelays(30_000, 10, failed, timeout, failed, rejected, ok)
				}),
				exact("30s, 1m0s, 1m0s, 1m0s, 30s", func() string {
					return exactDelays(30*time.Second, 10, failed, timeout, failed, rejected, ok)
				}),
			},
		},
	}
}

func eurekaDelays(timeoutMillis int64, bound int32, outcomes ...heartbeat.Outcome) string {
	s := heartbeat.NewEurekaSupervisor(timeoutMillis, bound)
	return delays(outcomes, func(o heartbeat.Outcome) time.Duration {
		millis, _ := s.Next(o, false)
		return time.Duration(millis) * time.Millisecond
	})
}

func exactDelays(timeout time.Duration, bound int, outcomes ...heartbeat.Outcome) string {
	s, err := heartbeat.NewSupervisor(timeout, bound)
	if err != nil {
		return fmt.Sprintf("bound %d: refused", bound)
	}
	return delays(outcomes, s.Next)
}

func delays(outcomes []heartbeat.Outcome, next func(heartbeat.Outcome) time.Duration) string {
	var all []string
	for _, o := range outcomes {
		all = append(all, next(o).String())
	}
	return strings.Join(all, ", ")
}

func afterShutdown(scheduleOn bool) string {
	s := heartbeat.NewEurekaSupervisor(30_000, 10)
	s.AfterShutdown = scheduleOn
	millis, again := s.Next(heartbeat.Success, true)
	if !again {
		return "never"
	}
	return fmt.Sprintf("after %v", time.Duration(millis)*time.Millisecond)
}
