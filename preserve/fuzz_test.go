package preserve_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/preserve"
)

// FuzzPreserve drives a Calculator of any release and an Expectation through
// any life, beside models that count with big numbers.
func FuzzPreserve(f *testing.F) {
	const second, minute = int64(time.Second), int64(time.Minute)
	f.Add(uint8(preserve.EurekaV1_9_17), 0.85, 30*second, minute, minute, "v1.9.17", []byte("\x00\x40\x0a\x01\x06\x40\x07\x41\x03\x02\x08\x06\x40\x09\x40\x11\x20\x00\x12\x20\x00\x13\x00\x0c"))
	f.Add(uint8(preserve.EurekaV1_2_5), 0.85, -second, 90*second, int64(0), "1.2.5", []byte("\x00\x03\x01\x01\x03\x03\x06\x01\x05\x03\x02\x01\x04\x06\x06\x03\x07\x00\x08\x05\x05\x03\x00\x08"))
	f.Add(uint8(preserve.EurekaV1_3_0), math.NaN(), int64(1), int64(0), int64(-1), "v2.0.7", []byte("\x00\x06\x01\x02\x04\x06\x03"))
	f.Add(uint8(preserve.EurekaV1_4_9), math.Inf(1), int64(0), int64(math.MaxInt64), int64(math.MaxInt64), "v01.9.3", []byte("\x00\x00\x01\x04\x06\x03\x05\x01\x03\x03\x00\x00\x03\x08"))
	f.Add(uint8(preserve.EurekaV1_9_3), 1e-9, math.MaxInt64-math.MaxInt64%second, int64(1)<<20, int64(1), "spring", []byte("\x00\x05\x05\x40\x05\x05\x00\x41\x11\x00\x01\x13\x00\x01"))
	f.Add(uint8(preserve.EurekaV1_9_4), 0.29, int64(0), int64(1)<<20+1, int64(2), "1.9.65536", []byte("\x00\x05\x01\x01\x02\x02\x08\x00\x07\x02\x06\x01\x00\x03\x03\x03\x03\x06\x00\x08\x05\x00\x06\x01\x11\x00\x02\x11\x00\x01"))
	f.Add(uint8(preserve.Spring), 0.55, 30*second, 100*minute, minute, "v1.4.8", []byte("\x00\x00\x08\x01\x08\x02\x00\x01\x05\x00\x03\x00\x06\x02\x11\x08\x37\x13\x08\x36\x13\x08\x37"))
	f.Add(uint8(preserve.Bilibili), 1e10, 30*second, int64(7), int64(0), "bilibili", []byte("\x00\x09\x01\x06\x0a\x00\x0a\x00\x00\x03\x01\x06\x02\x06\x0b\x04\x00"))
	f.Add(uint8(preserve.Nacos), 1.0, 30*second, minute, int64(0), "nacos", []byte("\x00\x0c\x06\x00\x08\x00\x0a\x00\x04\x00\x01\x03\x05\x05\x05\x02\x08"))
	f.Add(uint8(0), 2.0, int64(1500*time.Millisecond), minute, int64(0), "v1.4.9\n", []byte{})
	// 31 leases expect 32505639 renewals, and this percent of them is a whole number and a billionth.
	f.Add(uint8(preserve.Nacos), math.Float64frombits(718980759), 30*second, int64(1048569), int64(0), "2.0.6", bytes.Repeat([]byte{1, 1}, 31))
	// 63 / 1e9 * 1e9 is below 63, which is 2.016 of 32 million renewals where 62 would be 1.984.
	f.Add(uint8(preserve.Nacos), math.Float64frombits(63), 30*second, int64(1_000_000), int64(0), "v2.0.6", bytes.Repeat([]byte{1, 1}, 32))
	f.Fuzz(func(t *testing.T, release uint8, percent float64, interval, window, warmup int64, name string, life []byte) {
		checkParseRelease(t, name)
		wait := time.Duration(warmup)
		config := preserve.Config{Release: preserve.Release(release), Percent: percent, Interval: time.Duration(interval), SelfPreservation: true, WaitWhenSyncEmpty: wait}
		checkNewCalculator(t, config)
		config.Release = preserve.Releases()[int(release)%len(preserve.Releases())]
		config.Interval -= config.Interval % time.Second
		config.WaitWhenSyncEmpty = wait - wait%time.Millisecond
		if c, err := preserve.NewCalculator(config); err == nil {
			(&calculating{T: t, tape: life, Calculator: c, config: config, facts: factsOf[config.Release]}).live()
		}
		start := time.UnixMilli(int64(len(life)))
		checkNewExpectation(t, start, preserve.ExpectationConfig{Window: time.Duration(window), Percent: percent, Warmup: time.Duration(warmup)})
		billionths := int64(math.Float64bits(percent) % 1_000_000_001)
		checkExpectation(t, start, time.Duration(window), time.Duration(warmup), billionths, life)
	})
}

// refuses reports whether an error is one of this package about a field.
func refuses(err error, field string) bool {
	return errors.Is(err, preserve.ErrInvalid) && strings.Contains(err.Error(), "argument: "+field+" is ")
}

var tag = regexp.MustCompile(`^v?(0|[1-9][0-9]{0,4})\.(0|[1-9][0-9]{0,4})\.(0|[1-9][0-9]{0,4})$`)

func checkParseRelease(t *testing.T, name string) {
	want := map[string]preserve.Release{"spring": preserve.Spring, "bilibili": preserve.Bilibili, "nacos": preserve.Nacos}[name]
	if parts := tag.FindStringSubmatch(name); parts != nil {
		version := uint64(0)
		for _, part := range parts[1:] {
			n, _ := strconv.ParseUint(part, 10, 64)
			version = version<<16 | min(n, math.MaxUint16)
			if n > math.MaxUint16 {
				version = math.MaxUint64
				break
			}
		}
		number := func(major, minor, patch uint64) uint64 { return major<<32 | minor<<16 | patch }
		switch {
		case version > number(2, 0, 6), version < number(1, 2, 5):
		case version >= number(1, 9, 17):
			want = preserve.EurekaV1_9_17
		case version >= number(1, 9, 4):
			want = preserve.EurekaV1_9_4
		case version >= number(1, 9, 3):
			want = preserve.EurekaV1_9_3
		case version >= number(1, 4, 9):
			want = preserve.EurekaV1_4_9
		case version >= number(1, 3, 0):
			want = preserve.EurekaV1_3_0
		default:
			want = preserve.EurekaV1_2_5
		}
	}
	if got, err := preserve.ParseRelease(name); got != want || refuses(err, "release") != (want == 0) {
		t.Errorf("ParseRelease(%q) is %v, %v, want %v", name, got, err, want)
	}
}

func checkNewCalculator(t *testing.T, config preserve.Config) {
	seconds := big.NewInt(int64(config.Interval / time.Second))
	_, err := preserve.NewCalculator(config)
	for field, wrong := range map[string]bool{
		"Release":           config.Release < preserve.EurekaV1_2_5 || config.Release > preserve.Nacos,
		"Interval":          config.Interval%time.Second != 0 || wrapped(seconds, 32).Cmp(seconds) != 0,
		"WaitWhenSyncEmpty": config.WaitWhenSyncEmpty%time.Millisecond != 0,
	} {
		if refuses(err, field) != wrong {
			t.Errorf("%+v: %v", config, err)
		}
	}
}

// wrapped is a number as Java's int or long holds it.
func wrapped(n *big.Int, bits uint) *big.Int {
	half, all := new(big.Int).Lsh(big.NewInt(1), bits-1), new(big.Int).Lsh(big.NewInt(1), bits)
	n = new(big.Int).Add(n, half)
	n.Mod(n, all)
	return n.Sub(n, half)
}

// facts are what the quirks say of a release.
type facts struct {
	perClient                                                      int64
	clients, lowers, ofThreshold, fromZero, adopts, reaching, none bool
	bits                                                           uint
	emptyAs                                                        int64
}

var factsOf = map[preserve.Release]facts{
	preserve.EurekaV1_2_5:  {perClient: 2, bits: 32, lowers: true, ofThreshold: true},
	preserve.EurekaV1_3_0:  {perClient: 2, bits: 32, lowers: true, ofThreshold: true},
	preserve.EurekaV1_4_9:  {perClient: 2, bits: 32, ofThreshold: true},
	preserve.EurekaV1_9_3:  {perClient: 2, bits: 32},
	preserve.EurekaV1_9_4:  {perClient: 1, bits: 32, clients: true},
	preserve.EurekaV1_9_17: {perClient: 1, bits: 32, clients: true, lowers: true},
	preserve.Spring:        {perClient: 1, bits: 32, clients: true, lowers: true, emptyAs: 1},
	preserve.Bilibili:      {perClient: 2, bits: 64, fromZero: true, adopts: true, reaching: true},
	preserve.Nacos:         {perClient: 0, bits: 32, adopts: true, none: true},
}

// tape is what a life consists of. At its end it is all zeros.
type tape []byte

func (t *tape) next() byte {
	if len(*t) == 0 {
		return 0
	}
	first := (*t)[0]
	*t = (*t)[1:]
	return first
}

// number is one at which something may overflow, or a small one.
func (t *tape) number() int64 {
	b := t.next()
	numbers := [...]int64{0, 1, 2, 10, -1, math.MaxInt32, math.MinInt32, 1 << 30, math.MaxInt32 + 1, 1 << 52, -1<<52 - 1, math.MaxInt64, math.MinInt64, 1<<53 + 1}
	if int(b) < len(numbers) {
		return numbers[b]
	}
	return int64(int8(b)) << (t.next() % 56)
}

// percent is one that somebody may configure, or nobody should.
func (t *tape) percent() float64 {
	b := t.next()
	percents := [...]float64{0, 0.85, 0.55, 1, math.NaN(), math.Inf(1), math.Inf(-1), 5e-324, math.MaxFloat64, 1e10, math.Copysign(0, -1), -0.3}
	if int(b) < len(percents) {
		return percents[b]
	}
	return float64(b) / 255
}

// calculating is a Calculator with what it should be.
type calculating struct {
	*testing.T
	tape
	*preserve.Calculator
	facts
	config                      preserve.Config
	expected, threshold, opened int64
}

func (c *calculating) live() {
	for range 48 {
		if len(c.tape) == 0 {
			return
		}
		switch c.next() % 12 {
		case 0:
			c.open(c.number(), c.number())
		case 1:
			c.Registered()
			if c.expected > 0 || c.fromZero {
				c.add(c.perClient)
			}
		case 2:
			c.Cancelled()
			c.less()
		case 3:
			c.Evicted()
			if c.lowers {
				c.less()
			}
		case 4:
			c.update(c.number())
		case 5:
			c.config.Percent = c.percent()
			c.SetPercent(c.config.Percent)
		case 6:
			c.setInterval(time.Duration(c.number()))
		case 7:
			c.setInterval(time.Duration(int8(c.next())) * time.Second)
		case 8:
			c.config.SelfPreservation = !c.config.SelfPreservation
			c.SetSelfPreservation(c.config.SelfPreservation)
		case 9:
			size := int32(c.number())
			if got, want := c.Keep(size), truncation(product(float64(size), c.config.Percent), 32); int64(got) != want {
				c.Fatalf("Keep(%d) at %v is %d, want %d", size, c.config.Percent, got, want)
			}
		case 10:
			c.decide(c.number())
		case 11:
			c.below(c.number(), c.number())
		}
		if got := c.Expected(); got != c.expected {
			c.Fatalf("%v: %d are expected, want %d", c.config, got, c.expected)
		}
		if got := c.Threshold(); got != c.threshold {
			c.Fatalf("%v: the threshold of %d is %d, want %d", c.config, c.expected, got, c.threshold)
		}
	}
}

// takes reports whether a count is in the release's range.
func (c *calculating) takes(count int64, err error) bool {
	taken := count >= math.MinInt32 && count <= math.MaxInt32
	if c.bits == 64 {
		taken = count >= -1<<52 && count <= 1<<52
	}
	if refuses(err, "count") == taken {
		c.Fatalf("%v, count %d: %v", c.config.Release, count, err)
	}
	return taken
}

func (c *calculating) open(count, now int64) {
	if !c.takes(count, c.Open(time.UnixMilli(now), count)) {
		return
	}
	if c.opened = now; count == 0 {
		count = c.emptyAs
	}
	c.expected = 0
	c.add(count * c.perClient)
}

func (c *calculating) less() {
	if c.expected > 0 {
		c.add(-c.perClient)
	}
}

func (c *calculating) add(change int64) {
	sum := new(big.Int).Add(big.NewInt(c.expected), big.NewInt(change))
	c.expected = wrapped(sum, c.bits).Int64()
	if c.clients {
		perMinute := quotient(60, float64(c.config.Interval/time.Second))
		c.threshold = truncation(product(product(float64(c.expected), perMinute), c.config.Percent), 32)
		return
	}
	c.threshold = truncation(product(float64(c.expected), c.config.Percent), c.bits)
}

func (c *calculating) update(count int64) {
	adopted, err := c.Update(count)
	if !c.takes(count, err) {
		return
	}
	reference := c.expected
	if c.ofThreshold {
		reference = c.threshold
	}
	offered := wrapped(big.NewInt(count*c.perClient), c.bits).Int64()
	enough := float64(offered) > product(c.config.Percent, float64(reference))
	want := enough || !c.config.SelfPreservation || c.adopts
	if adopted != want {
		c.Fatalf("%v: an update with %d, of %d and %d, was adopted: %v", c.config, count, c.expected, c.threshold, adopted)
	}
	if adopted {
		c.expected = 0
		c.add(count * c.perClient)
	}
}

func (c *calculating) setInterval(interval time.Duration) {
	err := c.SetInterval(interval)
	seconds := int64(interval / time.Second)
	if fits := interval%time.Second == 0 && seconds == int64(int32(seconds)); refuses(err, "Interval") == fits {
		c.Fatalf("interval %d ns: %v", interval, err)
	} else if fits {
		c.config.Interval = interval
	}
}

func (c *calculating) decide(renewals int64) {
	d := c.Decide(renewals)
	enough := c.threshold > 0 && renewals > c.threshold || c.reaching && renewals >= c.threshold
	if want := c.none || !c.config.SelfPreservation || enough; d.Allowed != want {
		c.Fatalf("%v with %d renewals, of %d: %v", c.config, renewals, c.threshold, d)
	}
	if d.Renewals != renewals || d.Threshold != float64(c.threshold) || d.Expected != float64(c.expected) || d.Clients != c.clients ||
		d.Rule != c.config.Release.String() || math.Float64bits(d.Percent) != math.Float64bits(c.config.Percent) {
		c.Fatalf("%v with %d renewals, %d expected, of %d: %#v", c.config, renewals, c.expected, c.threshold, d)
	}
	checkSentence(c.T, d)
}

// checkSentence checks that a decision says what it is.
func checkSentence(t *testing.T, d preserve.Decision) {
	word := map[bool]string{true: "allowed", false: "withheld"}[d.Allowed]
	text := d.String()
	if !strings.HasPrefix(text, "eviction is "+word+": ") {
		t.Fatalf("%#v says %q", d, text)
	}
	if compared := d.Reason == preserve.EnoughRenewals || d.Reason == preserve.TooFewRenewals; compared && !strings.Contains(text, fmt.Sprintf("%d renewal", d.Renewals)) {
		t.Fatalf("%#v does not say how many renewals: %q", d, text)
	}
}

func (c *calculating) below(now, renewals int64) {
	from := wrapped(new(big.Int).Add(big.NewInt(c.opened), big.NewInt(c.config.WaitWhenSyncEmpty.Milliseconds())), 64).Int64()
	want := !c.none && renewals <= c.threshold && c.opened > 0 && now > from
	if got := c.Below(time.UnixMilli(now), renewals); got != want {
		c.Fatalf("%v opened at %d, at %d with %d of %d: below is %v", c.config, c.opened, now, renewals, c.threshold, got)
	}
}

// product is Java's: of doubles, rounded once.
func product(a, b float64) float64 {
	if special(a) || special(b) {
		return a * b
	}
	x, _ := new(big.Float).SetPrec(53).Mul(big.NewFloat(a), big.NewFloat(b)).Float64()
	return x
}

func quotient(a, b float64) float64 {
	if special(a) || special(b) {
		return a / b
	}
	x, _ := new(big.Float).SetPrec(53).Quo(big.NewFloat(a), big.NewFloat(b)).Float64()
	return x
}

func special(x float64) bool { return x == 0 || math.IsNaN(x) || math.IsInf(x, 0) }

// truncation is Java's cast to an integer of so many bits.
func truncation(x float64, bits uint) int64 {
	least, most := int64(math.MinInt64)>>(64-bits), int64(math.MaxInt64)>>(64-bits)
	switch {
	case math.IsNaN(x):
		return 0
	case math.IsInf(x, 1):
		return most
	case math.IsInf(x, -1):
		return least
	}
	n, _ := big.NewFloat(x).Int(nil)
	if n.Cmp(big.NewInt(least)) < 0 {
		return least
	}
	if n.Cmp(big.NewInt(most)) > 0 {
		return most
	}
	return n.Int64()
}

func checkNewExpectation(t *testing.T, now time.Time, config preserve.ExpectationConfig) {
	_, err := preserve.NewExpectation(now, config)
	for field, wrong := range map[string]bool{
		"Window":  config.Window <= 0,
		"Percent": !(config.Percent >= 0 && config.Percent <= 1),
		"Warmup":  config.Warmup < 0,
	} {
		if refuses(err, field) != wrong {
			t.Errorf("%+v: %v", config, err)
		}
	}
}

// checkExpectation adds and removes leases, and decides, beside a sum of
// whole units.
func checkExpectation(t *testing.T, start time.Time, window, warmup time.Duration, billionths int64, life tape) {
	if window <= 0 || warmup < 0 {
		return
	}
	percent := float64(billionths) / 1e9
	e, err := preserve.NewExpectation(start, preserve.ExpectationConfig{Window: window, Percent: percent, Warmup: warmup})
	if err != nil {
		t.Fatal(err)
	}
	units := new(big.Int)
	for range 32 {
		if len(life) == 0 {
			return
		}
		op, interval := life.next(), time.Duration(life.number())
		if op&1 == 0 { // one that the window can hold
			interval = window / time.Duration(int64(life.next())+1) << (op >> 4)
		}
		if interval > 0 && op&2 != 0 { // the shortest
			interval = (window-1)>>20 + time.Duration(op>>7)
		}
		lease := big.NewInt(int64(window))
		next := new(big.Int).Set(units)
		if interval > 0 {
			lease.Quo(lease.Mul(lease, big.NewInt(720720)), big.NewInt(int64(interval)))
			if next.Add(units, lease); op&4 != 0 {
				next.Sub(units, lease)
			}
		}
		change := e.Add
		if op&4 != 0 {
			change = e.Remove
		}
		err := change(interval)
		// An interval promises at most 2^20 renewals in a window.
		promised := new(big.Int).Lsh(big.NewInt(int64(interval)), 20)
		short := interval <= 0 || promised.Cmp(big.NewInt(int64(window))) < 0
		if taken := !short && next.Sign() >= 0 && next.IsInt64(); refuses(err, "interval") == taken {
			t.Fatalf("window %v, %v units and then %v: %v", window, units, next, err)
		} else if taken {
			units = next
		}
		checkExact(t, e, units, billionths, start.Add(warmup), life)
	}
}

// checkExact compares a decision with the fraction that it should be about.
func checkExact(t *testing.T, e *preserve.Expectation, units *big.Int, billionths int64, warmUntil time.Time, life tape) {
	exact := new(big.Rat).SetFrac(new(big.Int).Mul(units, big.NewInt(billionths)), big.NewInt(720720*1e9))
	near := new(big.Int).Quo(exact.Num(), exact.Denom())
	renewals := []int64{life.number()}
	if near.IsInt64() && near.Int64() < 1<<52 {
		renewals = append(renewals, near.Int64()-1, near.Int64(), near.Int64()+1)
	}
	for _, n := range renewals {
		d := e.Decide(warmUntil, n)
		enough := new(big.Rat).SetInt64(n).Cmp(exact) >= 0
		if d.Allowed != enough || (d.Reason == preserve.EnoughRenewals) != enough {
			t.Fatalf("%d renewals, of %v units at %d billionths: %v", n, units, billionths, d)
		}
		if n >= 0 && n < 1<<53 && (float64(n) >= d.Threshold) != enough {
			t.Fatalf("%d renewals, of %v units at %d billionths: the threshold is %v", n, units, billionths, d.Threshold)
		}
		if want, _ := new(big.Rat).SetFrac(units, big.NewInt(720720)).Float64(); math.Abs(d.Expected-want) > want*1e-15 || d.Renewals != n {
			t.Fatalf("%v units and %d renewals, but %+v", units, n, d)
		}
		checkSentence(t, d)
		if d := e.Decide(warmUntil.Add(-1), n); d.Reason != preserve.WarmingUp || d.Allowed || !d.WarmUntil.Equal(warmUntil) {
			t.Fatalf("before %v: %v", warmUntil, d)
		}
	}
}
