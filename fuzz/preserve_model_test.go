package fuzz

import (
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/preserve"
)

func TestEveryReleaseHasAModel(t *testing.T) {
	for _, release := range preserve.Releases() {
		if _, ok := arithmetics[release]; !ok {
			t.Errorf("%v has none", release)
		}
	}
}

func TestSameDecisionComparesWhatIsPublished(t *testing.T) {
	fields := reflect.TypeFor[preserve.Decision]()
	for i := range fields.NumField() {
		if !fields.Field(i).IsExported() {
			continue
		}
		var changed preserve.Decision
		switch field := reflect.ValueOf(&changed).Elem().Field(i); field.Interface().(type) {
		case bool:
			field.SetBool(true)
		case string:
			field.SetString("x")
		case float64:
			field.SetFloat(1)
		case int64, time.Duration:
			field.SetInt(1)
		case preserve.Reason:
			field.SetUint(1)
		case time.Time:
			field.Set(reflect.ValueOf(time.Unix(0, 0)))
		}
		if sameDecision(preserve.Decision{}, changed) {
			t.Errorf("%s is not compared", fields.Field(i).Name)
		}
	}
	nan := preserve.Decision{Percent: math.NaN()}
	if !sameDecision(nan, nan) {
		t.Error("a NaN differs from itself")
	}
}

func TestCalculatorNamesEveryProblem(t *testing.T) {
	for release := range preserve.Release(12) {
		for _, interval := range fields {
			for _, wait := range fields {
				var broken fieldsBroken
				broken.check("Release", !slices.Contains(preserve.Releases(), release))
				broken.check("Interval", !fitsJavaSeconds(interval))
				broken.check("WaitWhenSyncEmpty", wait != wait.Truncate(time.Millisecond))
				config := preserve.Config{Release: release, Interval: interval, WaitWhenSyncEmpty: wait}
				_, err := preserve.NewCalculator(config)
				checkProblems(t, err, preserve.ErrInvalid, broken, config)
			}
		}
	}
}

func TestExpectationNamesEveryProblem(t *testing.T) {
	for _, window := range fields {
		for _, percent := range fractions {
			for _, warmup := range fields {
				var broken fieldsBroken
				broken.check("Window", window <= 0)
				broken.check("Percent", !isFraction(percent))
				broken.check("Warmup", warmup < 0)
				config := preserve.ExpectationConfig{Window: window, Percent: percent, Warmup: warmup}
				_, err := preserve.NewExpectation(monotonic, config)
				checkProblems(t, err, preserve.ErrInvalid, broken, config)
			}
		}
	}
}
