package trace

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/leasekernel/leasekernel/fuzz/law"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { os.Exit(law.Main(m)) }

var (
	staysBelow = law.New("toy-stays-below", "the toy never exceeds its bound")
	roundTrips = law.New("trace-round-trips", "a trace that is written and read is the same, and does the same again")
)

// toy is a machine with a violation that takes three operations of a certain
// kind, in any number of others.
var toy = Machine{Name: "toy", Start: func(t *T) Operations {
	bound, sum := IntRange(100, 120).Draw(t, "bound"), 0
	names := []string{"", "a", "two words", `"`, "é", "=#"}
	return Operations{
		"": func(t *T) {
			Bool().Draw(t, "checks twice")
			staysBelow.Holds(t, sum <= bound, "%d of %d", sum, bound)
		},
		"add":  func(t *T) { sum += OneOf(IntRange(0, 40), Just(1)).Draw(t, "n") },
		"name": func(t *T) { SampledFrom(names).Draw(t, "what it is called") },
		"float": func(t *T) {
			Float64Range(0, 1).Draw(t, "percent")
			Uint64().Draw(t, "seed")
		},
		"back": func(t *T) {
			if sum == 0 {
				t.Skip()
			}
			sum--
		},
	}
}}

func TestTraceOfAViolationIsShortAndRunsAgain(t *testing.T) {
	var long Trace
	for seed := 0; long.Violated == "" && seed < 1000; seed++ {
		rapid.Custom(func(source *rapid.T) int {
			if ran := toy.random(source); ran.done.Violated != "" {
				long = ran.done
			}
			return 0
		}).Example(seed)
	}
	if long.Law() != staysBelow.Name() {
		t.Fatalf("a thousand runs end with %q", long.Violated)
	}
	short := toy.Shorten(long)
	if adds := strings.Count(short.String(), "add "); len(short.Steps) != 1+adds || adds < 3 {
		t.Errorf("the shortest has steps that are not needed:\n%v", short)
	}
	parsed, err := Parse(short.String())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := toy.Again(parsed); err != nil || again.Violated != short.Violated {
		t.Errorf("run again it ends with %q, %v instead of %q", again.Violated, err, short.Violated)
	}
}

func TestEveryTraceRoundTrips(t *testing.T) {
	rapid.Check(t, func(source *rapid.T) {
		ran := toy.random(source).done
		parsed, err := Parse(ran.String())
		parsed.Violated = ran.Violated // is a comment
		roundTrips.Holds(source, err == nil && parsed.String() == ran.String(), "%v, read as\n%v\n%v", ran, parsed, err)
		again, err := toy.Again(parsed)
		roundTrips.Holds(source, err == nil && again.String() == ran.String(), "%v, run again\n%v\n%v", ran, again, err)
	})
}

// A trace ends where the law was violated. Where it no longer is, the machine
// would have gone on to draw.
func TestTraceThatWasCutFitsAMachineThatGoesOn(t *testing.T) {
	const text = "machine toy\nstart bound=100 checks-twice=true\nadd n-from=0 ...\n"
	trace, err := Parse(text)
	if err != nil || trace.String() != text {
		t.Fatalf("%v reads %v", trace, err)
	}
	if ran, err := toy.Again(trace); err != nil || ran.Violated != "" {
		t.Errorf("run again it ends with %q, %v", ran.Violated, err)
	}
}

func TestTraceThatDoesNotFit(t *testing.T) {
	for text, why := range map[string]string{
		"":                         `no line is the machine's "start"`,
		"machine toy":              `no line is the machine's "start"`,
		"start":                    `line 1: "start" is no line such as: machine lease`,
		"machine toy\nadd n=1":     `line 2: the first step is "add", not "start"`,
		"machine toy\nstart bound": `line 2: "bound" has no value`,
		"machine toy\nstart a b=1": `line 2: "a" has no value`,
		"machine toy\nstart =1":    `line 2: "=1" does not begin with a word`,
		"machine toy\nstart a=\"":  `line 2: "\"" is a quotation without an end`,
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, which does not say %q", text, err, why)
		}
	}
	const begin = "machine toy\nstart bound=100 checks-twice=true\n"
	for text, why := range map[string]string{
		"machine toy\nstart":                            `step 1, start: nothing is left for "bound"`,
		"machine toy\nstart bound=99 checks-twice=true": `step 1, start: bound=99: it is not within 100 to 120`,
		begin + "sub":                                   "step 2, sub: the machine has no such operation",
		begin + `""`:                                    "step 2, : the machine has no such operation",
		begin + "back checks-twice=true":                "step 2, back: the operation cannot be done in this state",
		begin + "add m=1 checks-twice=true":             `step 2, add: it has "m" where the machine draws "n-from"`,
		begin + "name what-it-is-called=c":              "step 2, name: what-it-is-called=c: it is none of the 6 there are",
		begin + "back checks-twice=true and=more":       "step 2, back: the operation cannot",
		begin + "add n-from=1 checks-twice=true x=1":    `step 2, add: "x" is left over`,
	} {
		trace, err := Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if _, err := toy.Again(trace); !errors.Is(err, ErrUnfit) || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, which does not say %q", text, err, why)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("machine toy\nstart bound=100 checks-twice=true\nname what-it-is-called=\"two words\"\n# so\n")
	f.Add("machine \"a b\"\nstart \"x=\"=\"\\xff\\n\"\n\n  \"\"")
	f.Fuzz(func(t *testing.T, text string) {
		trace, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(trace.String())
		roundTrips.Holds(t, err == nil && again.String() == trace.String(), "%q, written %v, read %v, %v", text, trace, again, err)
		if trace.Machine == toy.Name {
			if ran, err := toy.Again(trace); err == nil {
				roundTrips.Holds(t, len(ran.Steps) == len(trace.Steps) || ran.Violated != "", "%v, run again\n%v", trace, ran)
			}
		}
	})
}
