package leasekernel_test

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// What becomes of a float that no integer holds is the processor's affair in
// Go. Validate says the same on all of them.
func TestValidateOfNumbersThatNoIntegerHolds(t *testing.T) {
	type config = leasekernel.Config
	eureka := changed(leasekernel.Eureka(preserve.EurekaV1_9_17), func(c *config) { c.EvictionInterval = time.Second })
	percent := func(percent float64) config { return changed(eureka, func(c *config) { c.Percent = percent }) }
	age := changed(leasekernel.Exact(), func(c *config) {
		c.Percent, c.Window, c.Steps, c.Term.Duration, c.Term.Interval = 0, math.MaxInt64, 7, lease.MaxTableDuration, time.Hour*24*365
	})
	const century = math.MaxInt64 / time.Millisecond * time.Millisecond
	for name, row := range map[string]struct {
		config    config
		instances int
		fields    []string // of the warnings
	}{
		"NaN":                          {percent(math.NaN()), 0, []string{"Percent"}},
		"infinite":                     {percent(math.Inf(1)), 0, []string{"Percent"}},
		"-infinite":                    {percent(math.Inf(-1)), 0, []string{"Percent"}},
		"far above":                    {percent(1e300), 0, []string{"Percent"}},
		"far below":                    {percent(-1e300), 0, []string{"Percent"}},
		"a bit below":                  {percent(-5), 0, []string{"Percent"}},
		"interval of 0":                {changed(eureka, func(c *config) { c.Term.Interval = 0 }), 9, []string{"Percent"}},
		"a window of 2^63 nanoseconds": {age, 0, []string{"Window"}},
		"2^64 renewals":                {changed(eureka, func(c *config) { c.Window, c.Term.Interval = century, time.Second }), math.MaxInt32, []string{"Window", "Window"}},
	} {
		t.Run(name, func(t *testing.T) {
			var fields []string
			problems := row.config.Validate(row.instances)
			for _, problem := range problems {
				fields = append(fields, problem.Field)
			}
			same(t, problems.String(), fields, row.fields)
		})
	}
}

// More instances than a release can open with are too many to be sure of one,
// and nothing is counted up from there.
func TestValidateOfMoreInstancesThanAReleaseTakes(t *testing.T) {
	problems := leasekernel.Eureka(preserve.EurekaV1_9_17).Validate(math.MaxInt)
	if text := problems.String(); strconv.IntSize == 64 && !strings.Contains(text, "it takes more than 10000") {
		t.Errorf("got %q", text)
	}
}
