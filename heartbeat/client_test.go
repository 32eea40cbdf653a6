package heartbeat_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/heartbeat"
)

const (
	accepted   = heartbeat.Accepted
	unknown    = heartbeat.Unknown
	refused    = heartbeat.Refused
	unanswered = heartbeat.Unanswered
)

// begin is an instant without a monotonic reading.
var begin = time.UnixMilli(1_700_000_000_000)

func after(d time.Duration) time.Time { return begin.Add(d) }

// heard is what a client hears of a request, and how long that takes.
type heard struct {
	latency time.Duration
	kind    heartbeat.ReplyKind
}

// sends lets a client send when it is due, hear what is said, and returns what
// it sent and how long after the last request ended.
func sends(client heartbeat.Client, now time.Time, said ...heard) (sent []string) {
	for _, h := range said {
		at, request := client.Next(now)
		sent = append(sent, fmt.Sprint(at.Sub(now), " ", request))
		client.Sent(at)
		now = at.Add(h.latency)
		client.Done(now, heartbeat.Reply{Kind: h.kind})
	}
	at, request := client.Next(now)
	return append(sent, fmt.Sprint(at.Sub(now), " ", request))
}

func eurekaClient(t *testing.T) *heartbeat.EurekaClient {
	t.Helper()
	c, err := heartbeat.NewEurekaClient(begin, 30*time.Second, 10)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEurekaClientAfterEachReply(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	out := heard{30 * s, unanswered}
	fine := heard{5 * ms, accepted}
	for name, row := range map[string]struct {
		said []heard
		want string
	}{
		"the first comes after an interval":          {nil, "30s renewal"},
		"the delay counts from the end":              {[]heard{fine, {5 * s, accepted}}, "30s renewal, 30s renewal, 30s renewal"},
		"404 registers at once, in the same run":     {[]heard{{s, unknown}, fine}, "30s renewal, 0s registration, 30s renewal"},
		"an error is swallowed":                      {[]heard{{0, refused}, {0, refused}, {9 * s, refused}}, "30s renewal, 30s renewal, 30s renewal, 30s renewal"},
		"a failed registration is swallowed":         {[]heard{{s, unknown}, {s, refused}, fine}, "30s renewal, 0s registration, 30s renewal, 30s renewal"},
		"a registration is not answered with 404":    {[]heard{{s, unknown}, {s, unknown}, fine}, "30s renewal, 0s registration, 30s renewal, 30s renewal"},
		"a kind that is none is an error":            {[]heard{{s, 99}}, "30s renewal, 30s renewal"},
		"a time-out doubles the delay":               {[]heard{out, out, out, out, out}, "30s renewal, 1m0s renewal, 2m0s renewal, 4m0s renewal, 5m0s renewal, 5m0s renewal"},
		"a success resets it":                        {[]heard{out, out, fine, out}, "30s renewal, 1m0s renewal, 2m0s renewal, 30s renewal, 1m0s renewal"},
		"an error resets it":                         {[]heard{out, out, {s, refused}}, "30s renewal, 1m0s renewal, 2m0s renewal, 30s renewal"},
		"a transport that gives up early fails":      {[]heard{{29 * s, unanswered}}, "30s renewal, 30s renewal"},
		"an answer that is too late is a time-out":   {[]heard{{30 * s, accepted}}, "30s renewal, 1m0s renewal"},
		"a 404 that is too late is a time-out":       {[]heard{{31 * s, unknown}}, "30s renewal, 1m0s renewal"},
		"both requests have one interval together":   {[]heard{{25 * s, unknown}, {5 * s, unanswered}}, "30s renewal, 0s registration, 1m0s renewal"},
		"a registration that is quicker is in time":  {[]heard{{25 * s, unknown}, {4999 * ms, unanswered}}, "30s renewal, 0s registration, 30s renewal"},
		"the run after a time-out has its own clock": {[]heard{out, {29 * s, unknown}, {500 * ms, accepted}}, "30s renewal, 1m0s renewal, 0s registration, 30s renewal"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(sends(eurekaClient(t), begin, row.said...), ", "); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

// What is left of the run is how long a request may take.
func TestEurekaClientTimeouts(t *testing.T) {
	const s = time.Second
	c := eurekaClient(t)
	var got []time.Duration
	got = append(got, c.Sent(after(30*s)))
	c.Done(after(52*s), heartbeat.Reply{Kind: unknown})
	got = append(got, c.Sent(after(52*s)), c.Sent(after(59*s)), c.Sent(after(61*s)))
	c.Done(after(61*s), heartbeat.Reply{Kind: accepted})
	got = append(got, c.Sent(after(2*time.Minute)))
	if want := []time.Duration{30 * s, 8 * s, s, 0, 30 * s}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The original's server has no way of asking for anything.
func TestEurekaClientIgnoresWhatTheServerAsks(t *testing.T) {
	c := eurekaClient(t)
	c.Sent(after(30 * time.Second))
	c.Done(after(31*time.Second), heartbeat.Reply{Kind: accepted, Interval: time.Second, RetryAfter: time.Hour})
	if at, _ := c.Next(after(31 * time.Second)); !at.Equal(after(61 * time.Second)) {
		t.Errorf("got %v, want 61s", at.Sub(begin))
	}
}

// Whoever is answered together stays together: that is how a server that
// stalled makes a fleet march in step.
func TestEurekaClientsThatAreAnsweredTogetherStayTogether(t *testing.T) {
	for _, sent := range []time.Duration{30 * time.Second, 37 * time.Second, 49 * time.Second} {
		c := eurekaClient(t)
		c.Sent(after(sent))
		c.Done(after(50*time.Second), heartbeat.Reply{Kind: accepted})
		if at, _ := c.Next(after(50 * time.Second)); !at.Equal(after(80 * time.Second)) {
			t.Errorf("sent after %v: got %v, want 80s", sent, at.Sub(begin))
		}
	}
}

// A clock that is set back makes a renewal due at once, at whatever moment it
// happens, and one that is set forth does too.
func TestEurekaClientUnderAClockThatIsSet(t *testing.T) {
	const s, hour = time.Second, time.Hour
	c := eurekaClient(t)
	for _, row := range []struct{ now, want time.Duration }{
		{10 * s, 30 * s}, {-1, -1}, {-hour, -hour}, {hour, 30 * s},
	} {
		if at, _ := c.Next(after(row.now)); !at.Equal(after(row.want)) {
			t.Errorf("at %v: got %v, want %v", row.now, at.Sub(begin), row.want)
		}
	}
	c.Sent(after(-hour))
	c.Done(after(-2*hour), heartbeat.Reply{Kind: unknown}) // set back again
	if at, request := c.Next(after(-2 * hour)); !at.Equal(after(-2*hour)) || request != heartbeat.Registration {
		t.Errorf("got %v %v", request, at.Sub(begin))
	}
	if got := c.Sent(after(-2 * hour)); got != 30*s {
		t.Errorf("time-out: got %v, want 30s", got)
	}
	c.Done(after(-2*hour+s), heartbeat.Reply{Kind: accepted})
	if at, _ := c.Next(after(-2*hour + s)); !at.Equal(after(-2*hour + 31*s)) {
		t.Errorf("got %v, want 30s later", at.Sub(begin))
	}
}

func TestNewEurekaClientNamesAllProblems(t *testing.T) {
	for name, row := range map[string]struct {
		interval time.Duration
		bound    int
		want     string
	}{
		"interval":      {0, 10, "interval is 0s: must be above 0"},
		"bound":         {time.Second, 0, "bound is 0: must be at least 1"},
		"both":          {-1, -1, "interval is -1ns: must be above 0\nheartbeat: invalid argument: bound is -1: must be at least 1"},
		"their product": {1 << 62, 2, "bound is 2: times timeout (1281023h53m38.427387904s) must fit a time.Duration"},
	} {
		c, err := heartbeat.NewEurekaClient(begin, row.interval, row.bound)
		if want := "heartbeat: invalid argument: " + row.want; c != nil || err == nil || err.Error() != want {
			t.Errorf("%s: got  %v\nwant %s", name, err, want)
		}
	}
}

func TestRequestsAndRepliesAreWords(t *testing.T) {
	var request heartbeat.Request
	var reply heartbeat.Reply
	got := fmt.Sprint(request, heartbeat.Registration, heartbeat.Request(7), reply.Kind, accepted, unknown, refused, heartbeat.ReplyKind(9))
	if want := "renewal registration Request(7) unanswered accepted unknown refused ReplyKind(9)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
