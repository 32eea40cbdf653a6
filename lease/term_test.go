package lease_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

func TestRuleString(t *testing.T) {
	for rule, want := range map[lease.Rule]string{
		lease.Exact:    "exact",
		lease.Eureka:   "eureka",
		lease.Nacos:    "nacos",
		lease.Bilibili: "bilibili",
		4:              "Rule(4)",
		255:            "Rule(255)",
	} {
		equal(t, "String", rule.String(), want)
	}
}

func TestZeroRuleIsExact(t *testing.T) {
	equal(t, "zero Rule", lease.Term{}.Rule, lease.Exact)
}

func TestMaxDurationIs73Years(t *testing.T) {
	equal(t, "MaxDuration", lease.MaxDuration, 1<<61-1)
	equal(t, "years", int(lease.MaxDuration/(365*24*time.Hour)), 73)
}

func TestTermValidate(t *testing.T) {
	tooLong := lease.MaxDuration + 1
	exactDuration := fmt.Sprintf("must be above 0 and at most %v", lease.MaxDuration)
	const (
		eurekaDuration = "must be whole seconds between -2147483648 s and 2147483647 s"
		nacosDuration  = "must be whole milliseconds, 0 or more"
		eurekaSuspect  = "must be 0: rule eureka has no suspect stage"
	)
	tests := []struct {
		name string
		term lease.Term
		want []string // one per problem
	}{
		{name: "bilibili: the original's", term: lease.Term{Duration: 90 * time.Second, Rule: lease.Bilibili}},
		{name: "bilibili: the shortest", term: lease.Term{Duration: time.Millisecond, Interval: -1, Rule: lease.Bilibili}},
		{
			name: "bilibili: half a millisecond, and a stage",
			term: lease.Term{Duration: 500_000, Suspect: 1, Rule: lease.Bilibili},
			want: []string{"Duration is 500µs: must be whole milliseconds above 0", "Suspect is 1ns: must be 0: rule bilibili has no suspect stage"},
		},
		{
			name: "bilibili: nothing",
			term: lease.Term{Rule: lease.Bilibili},
			want: []string{"Duration is 0s: must be whole milliseconds above 0"},
		},
		{name: "exact: the shortest", term: lease.Term{Duration: 2, Interval: 1}},
		{name: "exact: the shortest with a suspect stage", term: lease.Term{Duration: 3, Suspect: 2, Interval: 1}},
		{name: "exact: the longest", term: lease.Term{Duration: lease.MaxDuration, Suspect: lease.MaxDuration - 1, Interval: lease.MaxDuration - 2}},
		{
			name: "exact: the zero term",
			want: []string{"Duration is 0s: " + exactDuration, "Interval is 0s: must be above 0"},
		},
		{
			name: "exact: negative Duration",
			term: lease.Term{Duration: -1, Interval: 1},
			want: []string{"Duration is -1ns: " + exactDuration, "Interval is 1ns: must be shorter than Duration (-1ns)"},
		},
		{
			name: "exact: Duration beyond MaxDuration",
			term: lease.Term{Duration: tooLong, Interval: 1},
			want: []string{fmt.Sprintf("Duration is %v: %s", tooLong, exactDuration)},
		},
		{
			name: "exact: negative Interval",
			term: lease.Term{Duration: time.Second, Interval: -1},
			want: []string{"Interval is -1ns: must be above 0"},
		},
		{
			name: "exact: Interval as long as Duration",
			term: lease.Term{Duration: time.Second, Interval: time.Second},
			want: []string{"Interval is 1s: must be shorter than Duration (1s)"},
		},
		{
			name: "exact: the shortest Duration leaves no room",
			term: lease.Term{Duration: 1, Interval: 1},
			want: []string{"Interval is 1ns: must be shorter than Duration (1ns)"},
		},
		{
			name: "exact: Suspect as long as Interval",
			term: lease.Term{Duration: 9, Suspect: 3, Interval: 3},
			want: []string{"Suspect is 3ns: must be 0, or longer than Interval (3ns) and shorter than Duration (9ns)"},
		},
		{
			name: "exact: Suspect as long as Duration",
			term: lease.Term{Duration: 9, Suspect: 9, Interval: 3},
			want: []string{"Suspect is 9ns: must be 0, or longer than Interval (3ns) and shorter than Duration (9ns)"},
		},
		{
			name: "exact: everything at once",
			term: lease.Term{Duration: -2, Suspect: -5, Interval: -4},
			want: []string{
				"Duration is -2ns: " + exactDuration,
				"Interval is -4ns: must be above 0",
				"Suspect is -5ns: must be 0, or longer than Interval (-4ns) and shorter than Duration (-2ns)",
			},
		},
		{
			name: "exact: Suspect below 0, but above Interval",
			term: lease.Term{Duration: 10, Suspect: -1, Interval: -2},
			want: []string{
				"Interval is -2ns: must be above 0",
				"Suspect is -1ns: must be 0, or longer than Interval (-2ns) and shorter than Duration (10ns)",
			},
		},
		{name: "eureka: the default", term: eureka90},
		{name: "eureka: zero", term: lease.Term{Rule: lease.Eureka}},
		{name: "eureka: Interval is not looked at", term: lease.Term{Duration: time.Second, Interval: -1, Rule: lease.Eureka}},
		{name: "eureka: Java's least int", term: eurekaSeconds(math.MinInt32)},
		{name: "eureka: Java's greatest int", term: eurekaSeconds(math.MaxInt32)},
		{
			name: "eureka: one second below",
			term: eurekaSeconds(math.MinInt32 - 1),
			want: []string{"Duration is -596523h14m9s: " + eurekaDuration},
		},
		{
			name: "eureka: one second above",
			term: eurekaSeconds(math.MaxInt32 + 1),
			want: []string{"Duration is 596523h14m8s: " + eurekaDuration},
		},
		{
			name: "eureka: everything at once",
			term: lease.Term{Duration: 1500 * time.Millisecond, Suspect: 1, Rule: lease.Eureka},
			want: []string{"Duration is 1.5s: " + eurekaDuration, "Suspect is 1ns: " + eurekaSuspect},
		},
		{name: "nacos: the default", term: nacosMillis(15_000, 30_000)},
		{name: "nacos: zero", term: nacosMillis(0, 0)},
		{name: "nacos: deleted before it is suspect", term: nacosMillis(30_000, 15_000)},
		{name: "nacos: a millisecond", term: nacosMillis(1, 1)},
		{name: "nacos: the longest", term: nacosMillis(math.MaxInt64/1_000_000, math.MaxInt64/1_000_000)},
		{name: "nacos: Interval is not looked at", term: lease.Term{Interval: -1, Rule: lease.Nacos}},
		{
			name: "nacos: negative",
			term: nacosMillis(-1, -2),
			want: []string{"Duration is -2ms: " + nacosDuration, "Suspect is -1ms: " + nacosDuration},
		},
		{
			name: "nacos: less than a millisecond",
			term: lease.Term{Duration: 30*time.Second + 1, Suspect: 999_999, Rule: lease.Nacos},
			want: []string{"Duration is 30.000000001s: " + nacosDuration, "Suspect is 999.999µs: " + nacosDuration},
		},
		{
			name: "unknown rule: nothing else can be judged",
			term: lease.Term{Duration: -1, Rule: 7},
			want: []string{"Rule is Rule(7): must be Exact, Eureka, Nacos or Bilibili"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.term.Validate()
			_, newErr := lease.New(t0, "holder", tt.term)
			if len(tt.want) == 0 {
				if err != nil || newErr != nil {
					t.Errorf("got Validate %v and New %v, want nil", err, newErr)
				}
				return
			}
			if !errors.Is(err, lease.ErrInvalid) || !errors.Is(newErr, lease.ErrInvalid) {
				t.Fatalf("got Validate %v and New %v, want ErrInvalid", err, newErr)
			}
			want := "lease: invalid: " + strings.Join(tt.want, "\nlease: invalid: ")
			equal(t, "Validate", err.Error(), want)
			equal(t, "New", newErr.Error(), want)
		})
	}
}

func TestEachProblemWrapsErrInvalid(t *testing.T) {
	joined, ok := lease.Term{Duration: -1}.Validate().(interface{ Unwrap() []error })
	if !ok {
		t.Fatal("got one error, want joined ones")
	}
	problems := joined.Unwrap()
	equal(t, "problems", len(problems), 2)
	for _, problem := range problems {
		if !errors.Is(problem, lease.ErrInvalid) {
			t.Errorf("got %v, want it to wrap ErrInvalid", problem)
		}
	}
}

func TestNewGrantsNothingForAnInvalidTerm(t *testing.T) {
	l, err := lease.New(t0, "holder", lease.Term{})
	if l != nil || err == nil {
		t.Errorf("got %v and %v, want no lease and an error", l, err)
	}
}

func TestTermIsAPlainValue(t *testing.T) {
	first, second := grant(t, t0, exact90), grant(t, t0, exact90)
	equal(t, "Term", first.Term(), exact90)
	equal(t, "shared Term", first.Term(), second.Term())
}

// Quirk L3: seconds times 1000 is an int multiplication.
func TestEurekaSecondsOverflowAt32Bits(t *testing.T) {
	tests := []struct {
		name    string
		seconds int64
		want    int64 // milliseconds
	}{
		{"zero", 0, 0},
		{"negative", -90, -90_000},
		{"default", 90, 90_000},
		{"last that fits", 2_147_483, 2_147_483_000},
		{"first that wraps", 2_147_484, -2_147_483_296},
		{"last negative that fits", -2_147_483, -2_147_483_000},
		{"first negative that wraps", -2_147_484, 2_147_483_296},
		{"wraps more than once", 1_000_000_000, -727_379_968},
		{"greatest int", math.MaxInt32, -1000},
		{"least int", math.MinInt32, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := grant(t, t0, eurekaSeconds(tt.seconds))
			equal(t, "Deadline", l.Deadline().UnixMilli(), t0.UnixMilli()+tt.want)
			equal(t, "IsExpired at once", l.IsExpired(t0, 0), tt.want < 0)
			l.Renew(t0)
			equal(t, "published last renewal", l.Published().LastRenewal, t0.UnixMilli()+tt.want)
			equal(t, "Deadline once renewed", l.Deadline().UnixMilli(), t0.UnixMilli()+2*tt.want)
		})
	}
}

func eurekaSeconds(seconds int64) lease.Term {
	return lease.Term{Duration: time.Duration(seconds) * time.Second, Rule: lease.Eureka}
}
