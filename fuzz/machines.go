package fuzz

import (
	"fmt"
	"os"
	"slices"

	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// Machines are all there are.
func Machines() []trace.Machine {
	machines := slices.Clone(singleMachines)
	for _, rule := range []lease.Rule{lease.Exact, lease.Eureka, lease.Nacos, lease.Bilibili} {
		machines = append(machines, driveLease(rule), driveTable(rule))
	}
	machines = append(machines, driveKernel("exact", 0))
	for _, release := range preserve.Releases() {
		machines = append(machines, driveKernel(release.String(), release), driveCalculator(release))
	}
	return machines
}

// singleMachines are those without variants.
var singleMachines = []trace.Machine{
	driveLeaseUnderWallSteps, driveKernelUnderWallSteps, driveKernelTimers,
	driveMeasuredRate, driveMeterAsTold, driveMeterAllTheTime, driveSliding,
	driveExpectation,
	driveLimit, driveEurekaLimit, drivePick, drivePickFromABadSource, driveJavaRandom,
	driveCompensation, driveCompensationUnderWallSteps, driveEurekaCompensation,
	driveSupervisor, driveEurekaSupervisor, driveReactor, driveBeat, drivePacer, drivePacerUnderAnyClock, driveEurekaClient,
	driveClientUnderWallSteps, driveAdvice, driveSpread,
}

// oneShot is a machine whose runs are cases that have nothing to do with each
// other.
func oneShot(name string, run func(*trace.T)) trace.Machine {
	return trace.Machine{Name: name, Start: func(*trace.T) trace.Operations {
		return trace.Operations{"case": run}
	}}
}

// RunTrace runs the trace in a file again, by the machine that it names. What
// the run ended with is in the trace that it returns; an error says that the
// file is no trace, or none of any machine.
func RunTrace(path string) (trace.Trace, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return trace.Trace{}, err
	}
	recorded, err := trace.Parse(string(text))
	if err != nil {
		return trace.Trace{}, fmt.Errorf("%s: %w", path, err)
	}
	machines := Machines()
	i := slices.IndexFunc(machines, func(m trace.Machine) bool { return m.Name == recorded.Machine })
	if i < 0 {
		return trace.Trace{}, fmt.Errorf("%s: there is no machine %q", path, recorded.Machine)
	}
	ran, err := machines[i].Again(recorded)
	if err != nil {
		return trace.Trace{}, fmt.Errorf("%s: %w", path, err)
	}
	return ran, nil
}
