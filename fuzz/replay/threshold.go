package replay

import (
	"fmt"
	"time"

	"github.com/leasekernel/leasekernel/preserve"
)

func replayThreshold(line []byte, c *checker) error {
	var recorded caseOf[struct {
		Percent          number      `json:"percent"`
		Interval         int64       `json:"interval"`
		SelfPreservation bool        `json:"selfPreservation"`
		WaitMillis       int64       `json:"waitMs"`
		T0               int64       `json:"t0"`
		Ops              []operation `json:"ops"`
	}, [][]int64]
	if err := decode(line, &recorded); err != nil {
		return err
	}
	release, err := preserve.ParseRelease(recorded.Dialect)
	if err != nil {
		return err
	}
	calculator, err := preserve.NewCalculator(preserve.Config{
		Release:           release,
		Percent:           float64(recorded.Inputs.Percent),
		Interval:          time.Duration(recorded.Inputs.Interval) * time.Second,
		SelfPreservation:  recorded.Inputs.SelfPreservation,
		WaitWhenSyncEmpty: time.Duration(recorded.Inputs.WaitMillis) * time.Millisecond,
	})
	if err != nil {
		return err
	}
	run := thresholdRun{checker: c, calculator: calculator, wall: recorded.Inputs.T0}
	return eachOperation(c, recorded.Inputs.Ops, recorded.Outputs, run.apply)
}

type thresholdRun struct {
	*checker
	calculator *preserve.Calculator
	wall       int64
}

func (r *thresholdRun) apply(op operation, want []int64) error {
	if op.name == "query" {
		return r.query(op, want)
	}
	if err := r.change(op); err != nil {
		return err
	}
	return r.checkState(want, 2)
}

func (r *thresholdRun) change(op operation) error {
	switch op.name {
	case "regExisting", "cancelNotFound", "updateFails", "noop":
		return nil // what these change in a registry, nobody tells the calculator
	case "regNew":
		r.calculator.Registered()
		return nil
	case "cancelFound":
		r.calculator.Cancelled()
		return nil
	case "evictOne":
		r.calculator.Evicted()
		return nil
	case "setPercent":
		percent, err := op.number(0)
		r.calculator.SetPercent(percent)
		return err
	}
	argument, err := op.integer(0)
	if err != nil {
		return err
	}
	switch op.name {
	case "open":
		return r.calculator.Open(time.UnixMilli(r.wall), argument)
	case "update":
		_, err := r.calculator.Update(argument)
		return err
	case "setSelfPreservation":
		r.calculator.SetSelfPreservation(boolean(argument))
	case "setInterval":
		return r.calculator.SetInterval(time.Duration(argument) * time.Second)
	case "advance":
		r.wall += argument
	default:
		return op.unknown()
	}
	return nil
}

func (r *thresholdRun) query(op operation, want []int64) error {
	renewals, err := op.integer(0)
	if err != nil {
		return err
	}
	if err := r.checkState(want, 4); err != nil {
		return err
	}
	r.check("isLeaseExpirationEnabled", recordedAs(r.calculator.Decide(renewals).Allowed), want[2])
	r.check("isBelowRenewThresold", recordedAs(r.calculator.Below(time.UnixMilli(r.wall), renewals)), want[3])
	return nil
}

func (r *thresholdRun) checkState(want []int64, length int) error {
	if len(want) != length {
		return fmt.Errorf("an output of %d values, not %d", len(want), length)
	}
	r.check("expected", r.calculator.Expected(), want[0])
	r.check("threshold", r.calculator.Threshold(), want[1])
	return nil
}
