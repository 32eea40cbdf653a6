package replay

import (
	"fmt"
	"math"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

func replayLease(line []byte, c *checker) error {
	var recorded caseOf[struct {
		T0  int64       `json:"t0"`
		Ops []operation `json:"ops"`
	}, [][]int64]
	if err := decode(line, &recorded); err != nil {
		return err
	}
	run := leaseRun{checker: c, wall: recorded.Inputs.T0}
	return eachOperation(c, recorded.Inputs.Ops, recorded.Outputs, run.apply)
}

type leaseRun struct {
	*checker
	wall  int64 // epoch milliseconds, wrapping
	lease *lease.Lease[string]
}

func (r *leaseRun) now() time.Time { return time.UnixMilli(r.wall) }

func (r *leaseRun) apply(op operation, want []int64) error {
	if r.lease == nil && op.name != "new" {
		return fmt.Errorf("operation %q before the first lease", op.name)
	}
	argument, err := op.first()
	if err != nil {
		return err
	}
	switch op.name {
	case "new":
		term := lease.Term{Duration: time.Duration(argument) * time.Second, Rule: lease.Eureka}
		granted, err := lease.New(r.now(), "h", term)
		if err != nil {
			return err
		}
		r.lease = granted
	case "renew":
		r.lease.Renew(r.now())
	case "cancel":
		r.lease.Cancel(r.now())
	case "up":
		r.lease.ServiceUp(r.now())
	case "setUp":
		r.lease.SetServiceUp(time.UnixMilli(argument))
	case "adv":
		r.wall += argument
	case "exp":
		return r.checkExpired(argument, want)
	default:
		return op.unknown()
	}
	return r.checkState(want, 5)
}

// checkExpired asks in milliseconds, and with a time.Duration too where the
// additional time fits one.
func (r *leaseRun) checkExpired(additional int64, want []int64) error {
	if err := r.checkState(want, 6); err != nil {
		return err
	}
	r.check("isExpired(additional)", recordedAs(r.lease.IsExpiredMilli(r.now(), additional)), want[5])
	const most = math.MaxInt64 / int64(time.Millisecond)
	if -most <= additional && additional <= most {
		expired := r.lease.IsExpired(r.now(), time.Duration(additional)*time.Millisecond)
		r.check("IsExpired(now, additional)", recordedAs(expired), want[5])
	}
	return nil
}

func (r *leaseRun) checkState(want []int64, length int) error {
	if len(want) != length {
		return fmt.Errorf("an output of %d values, not %d", len(want), length)
	}
	got := r.lease.Published()
	r.check("registrationTimestamp", got.Registration, want[0])
	r.check("lastRenewalTimestamp", got.LastRenewal, want[1])
	r.check("evictionTimestamp", got.Eviction, want[2])
	r.check("serviceUpTimestamp", got.ServiceUp, want[3])
	r.check("isExpired()", recordedAs(r.lease.IsExpired(r.now(), 0)), want[4])
	return nil
}
