// Package load measures one peer under the loads of a registry.
//
// A process measures one peer with one number of leases, since what others
// keep on the heap would cost it garbage collections; so a Job is what a
// process is told, and samples are what it answers.
package load

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leasekernel/leasekernel/bench/peer"
	"github.com/leasekernel/leasekernel/bench/report"
)

// A Job is what one process measures.
type Job struct {
	Kind      Kind          `json:"kind"`
	Peer      string        `json:"peer"`                // a name of the kind's Names
	Leases    int           `json:"leases"`              // how many there are
	Procs     []int         `json:"procs"`               // values of GOMAXPROCS, ascending
	Workloads []string      `json:"workloads,omitempty"` // nil for all of the kind
	Time      time.Duration `json:"time_ns"`             // what a measurement should take, more or less
	Round     int           `json:"round"`
}

// Kind says what a job's peer is.
type Kind string

const (
	Registries Kind = "registry" // of package peer
	Meters     Kind = "meter"    // of package peer
	Steps      Kind = "step"     // parts of a pass, ours and by hand
	Floors     Kind = "floor"    // what nobody can go below
	Machine    Kind = "machine"  // what has nothing to do with leases
)

// Names are the peers of a kind, ours first.
func (k Kind) Names() []string {
	var names []string
	switch k {
	case Registries:
		for _, p := range peer.All() {
			names = append(names, p.Name)
		}
	case Meters:
		for _, m := range peer.Meters() {
			names = append(names, m.Name)
		}
	case Steps:
		for _, s := range steps {
			names = append(names, s.name)
		}
	case Floors, Machine:
		names = []string{floor}
	}
	return names
}

// Has says whether a workload is of this kind.
func (k Kind) Has(workload string) bool {
	switch k {
	case Registries:
		return slices.ContainsFunc(Workloads, func(w Workload) bool { return w.Name == workload && w.measure != nil })
	case Meters:
		return workload == "count"
	case Steps:
		return workload == "decide" || workload == "pick"
	case Machine:
		return workload == "transfer"
	default:
		return workload == "renew" || workload == "handle"
	}
}

// Measure does the job. It sets GOMAXPROCS meanwhile and wants the process
// for itself.
func (j Job) Measure() ([]report.Sample, error) {
	if err := j.check(); err != nil {
		return nil, err
	}
	samples := &samples{job: j}
	var err error
	switch j.Kind {
	case Registries:
		err = measureRegistry(samples)
	case Meters:
		err = measureMeter(samples)
	case Steps:
		err = measureSteps(samples)
	case Floors:
		err = measureFloors(samples)
	case Machine:
		measureTransfer(samples)
	}
	if err != nil {
		return nil, fmt.Errorf("%s with %d leases: %w", j.Peer, j.Leases, err)
	}
	return samples.all, nil
}

func (j Job) check() error {
	var errs []error
	if !slices.Contains(j.Kind.Names(), j.Peer) {
		errs = append(errs, fmt.Errorf("load: Peer = %q, want one of %q for Kind %q", j.Peer, j.Kind.Names(), j.Kind))
	}
	if j.Leases < 100 && j.Kind != Meters && j.Kind != Machine {
		errs = append(errs, fmt.Errorf("load: Leases = %d, want at least 100, of which 1 %% is a lease", j.Leases))
	}
	if len(j.Procs) == 0 || j.Procs[0] < 1 || !slices.IsSorted(j.Procs) {
		errs = append(errs, fmt.Errorf("load: Procs = %v, want numbers above 0, ascending", j.Procs))
	}
	for _, name := range j.Workloads {
		if !slices.ContainsFunc(Workloads, func(w Workload) bool { return w.Name == name }) {
			errs = append(errs, fmt.Errorf("load: Workloads has %q, which is none", name))
		}
	}
	if j.Time <= 0 {
		errs = append(errs, fmt.Errorf("load: Time = %v, want more than 0", j.Time))
	}
	return errors.Join(errs...)
}

// wants says whether the job measures a workload.
func (j Job) wants(workload string) bool {
	return j.Workloads == nil || slices.Contains(j.Workloads, workload)
}

// samples are the answer to a job as far as it is known.
type samples struct {
	job Job
	all []report.Sample
}

// add notes a value. The case's number of leases is the job's.
func (s *samples) add(c report.Case, value, load float64) {
	c.Leases = s.job.Leases
	s.all = append(s.all, report.Sample{Case: c, Peer: s.job.Peer, Round: s.job.Round, Value: value, Load: load})
}
