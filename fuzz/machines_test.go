package fuzz

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"github.com/leasekernel/leasekernel/fuzz/trace"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

func TestMain(m *testing.M) { os.Exit(law.Main(m)) }

func TestModel(t *testing.T) {
	for _, machine := range Machines() {
		t.Run(machine.Name, func(t *testing.T) {
			t.Parallel()
			trace.Check(t, machine)
		})
	}
}

// Each was a violation once, and its name says of what.
func TestTraces(t *testing.T) {
	files, err := filepath.Glob("testdata/traces/*.trace")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d traces, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".trace"), func(t *testing.T) {
			ran, err := RunTrace(file)
			if err != nil || ran.Violated != "" {
				t.Errorf("%s%v", ran.Violated, err)
			}
		})
	}
}

func FuzzLeaseModel(f *testing.F)       { trace.Fuzz(f, driveLease(lease.Exact)) }
func FuzzTableModel(f *testing.F)       { trace.Fuzz(f, driveTable(lease.Exact)) }
func FuzzKernelModel(f *testing.F)      { trace.Fuzz(f, driveKernel("exact", 0)) }
func FuzzEurekaLeaseModel(f *testing.F) { trace.Fuzz(f, driveLease(lease.Eureka)) }
func FuzzEurekaTableModel(f *testing.F) { trace.Fuzz(f, driveTable(lease.Eureka)) }
func FuzzEurekaKernelModel(f *testing.F) {
	trace.Fuzz(f, driveKernel("eureka", preserve.EurekaV1_9_17))
}
func FuzzNacosKernelModel(f *testing.F)  { trace.Fuzz(f, driveKernel("nacos", preserve.Nacos)) }
func FuzzCalculatorModel(f *testing.F)   { trace.Fuzz(f, driveCalculator(preserve.EurekaV1_9_17)) }
func FuzzExpectationModel(f *testing.F)  { trace.Fuzz(f, driveExpectation) }
func FuzzMeasuredRateModel(f *testing.F) { trace.Fuzz(f, driveMeasuredRate) }
func FuzzSlidingModel(f *testing.F)      { trace.Fuzz(f, driveSliding) }
func FuzzPickModel(f *testing.F)         { trace.Fuzz(f, drivePick) }
func FuzzReactorModel(f *testing.F)      { trace.Fuzz(f, driveReactor) }
func FuzzPacerModel(f *testing.F)        { trace.Fuzz(f, drivePacer) }
