package replay

import (
	"fmt"
	"strings"

	"github.com/leasekernel/leasekernel/heartbeat"
)

// outcomes names the recorded outcomes.
var outcomes = map[string]heartbeat.Outcome{
	"success":   heartbeat.Success,
	"timeout":   heartbeat.Timeout,
	"rejected":  heartbeat.Rejected,
	"throwable": heartbeat.Failed,
}

// afterShutdown says which of the recorded releases schedule again although
// the scheduler was shut down.
var afterShutdown = map[string]bool{"v1.4.12": true, "v1.9.4": false, "v2.0.6": false}

func replaySupervisor(line []byte, c *checker) error {
	var recorded caseOf[struct {
		Timeout       int64    `json:"timeout"`
		Unit          string   `json:"unit"`
		TimeoutMillis int64    `json:"timeoutMs"`
		Bound         int32    `json:"bound"`
		Outcomes      []string `json:"outcomes"`
	}, struct {
		DelaysMillis []*int64 `json:"delaysMs"`
	}]
	if err := decode(line, &recorded); err != nil {
		return err
	}
	in, want := recorded.Inputs, recorded.Outputs.DelaysMillis
	if err := parallel(len(in.Outcomes), len(want)); err != nil {
		return err
	}
	again, ok := afterShutdown[recorded.Dialect]
	if !ok {
		return fmt.Errorf("unknown dialect %q", recorded.Dialect)
	}
	supervisor := heartbeat.NewEurekaSupervisor(in.TimeoutMillis, in.Bound)
	supervisor.AfterShutdown = again
	for i, text := range in.Outcomes {
		c.step = i
		name, shutdown := strings.CutSuffix(text, "+schedulerShutdown")
		outcome, ok := outcomes[name]
		if !ok {
			return fmt.Errorf("unknown outcome %q", text)
		}
		delay, scheduled := supervisor.Next(outcome, shutdown)
		c.check("scheduled again", scheduled, want[i] != nil)
		if scheduled && want[i] != nil {
			c.check("delay", delay, *want[i])
		}
	}
	return nil
}
