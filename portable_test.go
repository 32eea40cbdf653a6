package leasekernel_test

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
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
// and nothing is counted up from there, which would take for ever.
func TestValidateOfMoreInstancesThanAReleaseTakes(t *testing.T) {
	answer := make(chan string, 1)
	go func() { answer <- leasekernel.Eureka(preserve.EurekaV1_9_17).Validate(math.MaxInt).String() }()
	select {
	case text := <-answer:
		if strconv.IntSize == 64 && !strings.Contains(text, "it takes more than 10000") {
			t.Errorf("got %q", text)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it counts up")
	}
}

// fusing are the processors on which Go may compute x*y + z with one rounding
// instead of two, so that the last bit differs from the recordings'.
var fusing = [][]string{
	{"GOARCH=arm64"}, {"GOARCH=riscv64"}, {"GOARCH=ppc64le"}, {"GOARCH=s390x"}, {"GOARCH=loong64"}, {"GOARCH=amd64", "GOAMD64=v3"},
}

// control makes the compiler show the code of all types with parameters, and
// one expression that it fuses, without which the search would prove nothing.
const control = `package control

import (
	"` + module + `"
	"` + module + `/evict"
	"` + module + `/heartbeat"
	"` + module + `/lease"
)

var Used = []any{(*leasekernel.Kernel[string, int])(nil), (*lease.Lease[int])(nil), (*lease.Table[string, int])(nil), evict.Pick[int], heartbeat.Run}

func Fused(x, y, z float64) float64 { return x*y + z }
`

var fused = regexp.MustCompile(`\(([^()]+):\d+\)\t(V?FN?M(ADD|SUB)\w*)\t`)

// Float results are equal on all machines: no kernel has a multiplication that
// a compiler fuses with an addition. Who needs both converts the product,
// float64(x*y) + z, which forbids it.
func TestHouseNoMultiplicationIsFused(t *testing.T) {
	if testing.Short() || runtime.GOOS == "js" {
		t.Skip("compiles for six processors")
	}
	file := filepath.Join(t.TempDir(), "control.go")
	if err := os.WriteFile(file, []byte(control), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, processor := range fusing {
		t.Run(strings.Join(processor, " "), func(t *testing.T) {
			build := exec.Command("go", "build", "-gcflags="+module+"/...=-S", "-gcflags=command-line-arguments=-S", file)
			build.Env = slices.Concat(os.Environ(), []string{"GOOS=linux", "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0"}, processor)
			listing, err := build.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %v\n%s", build, err, listing)
			}
			controls := 0
			for _, found := range fused.FindAllSubmatch(listing, -1) {
				if filepath.Base(string(found[1])) == "control.go" {
					controls++
				} else {
					t.Errorf("%s has a %s", found[1], found[2])
				}
			}
			if controls == 0 {
				t.Error("not even the control is fused")
			}
		})
	}
}
