package replay

import "github.com/leasekernel/leasekernel/evict"

func replayCompensation(line []byte, c *checker) error {
	var recorded caseOf[struct {
		IntervalMillis int64   `json:"intervalMs"`
		Nanos          []int64 `json:"nanos"`
	}, []int64]
	if err := decode(line, &recorded); err != nil {
		return err
	}
	if err := parallel(len(recorded.Inputs.Nanos), len(recorded.Outputs)); err != nil {
		return err
	}
	compensation := evict.EurekaCompensation{IntervalMillis: recorded.Inputs.IntervalMillis}
	for i, nanos := range recorded.Inputs.Nanos {
		c.step = i
		c.check("compensation", compensation.Next(nanos), recorded.Outputs[i])
	}
	return nil
}
