package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/heartbeat"
)

// wire is the network between one client and a registry, in the bubble of a
// test: an http.RoundTripper that calls the handler.
type wire struct {
	*registry
	handler http.Handler
	start   time.Time
	outages []outage

	mu     sync.Mutex
	sent   []event // by the client
	pushed []event // by the registry
}

// outage is what becomes of requests from one instant until another, so long
// after the start.
type outage struct {
	from, until time.Duration
	err         error
}

// event is what happened so long after the start.
type event struct {
	at   time.Duration
	what string
}

func (e event) String() string { return fmt.Sprint(e.at, " ", e.what) }

// newWire starts a registry that runs until the test ends.
func newWire(ctx context.Context, t *testing.T, rules string) *wire {
	t.Helper()
	config, err := configOf(rules)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{start: time.Now()}
	w.registry, err = newRegistry(systemClock{}, config, func(kind leasekernel.Kind, _ address) { w.note(&w.pushed, kind.String()) })
	if err != nil {
		t.Fatal(err)
	}
	w.handler = w.registry.handler()
	go func() { _ = w.kernel.Run(ctx, systemClock{}) }()
	return w
}

func (w *wire) note(events *[]event, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*events = append(*events, event{time.Since(w.start), what})
}

func (w *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	what := request.Method
	if request.Method == http.MethodPut {
		what = "light"
		if request.URL.Query().Has("beat") {
			what = "full"
		}
	}
	if err := cmp.Or(request.Context().Err(), w.fault()); err != nil {
		w.note(&w.sent, what+" in vain")
		return nil, err
	}
	request = request.Clone(request.Context())
	request.Body = http.NoBody
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, request)
	if strings.Contains(recorder.Body.String(), "20404") {
		what += " unknown"
	}
	w.note(&w.sent, what)
	return recorder.Result(), nil
}

func (w *wire) fault() error {
	for _, o := range w.outages {
		if at := time.Since(w.start); at >= o.from && at < o.until {
			return o.err
		}
	}
	return nil
}

var (
	errLost   = errors.New("lost")
	errNobody = &net.OpError{Op: "dial", Err: errors.New("nobody listens")}
)

// live starts a client one second after the registry, so that no beat and no
// pass are at the same instant, and lets it live until so long after the start.
// Time passes by itself in a bubble.
func (w *wire) live(ctx context.Context, t *testing.T, beat string, until time.Duration) {
	t.Helper()
	ctx, interrupt := context.WithDeadline(ctx, w.start.Add(until))
	defer interrupt()
	ended := make(chan error)
	c := newClient(&http.Client{Transport: w}, "http://registry", "pay", "10.0.0.7", 8080)
	time.AfterFunc(time.Second, func() { ended <- c.stayAlive(ctx, systemClock{}, beat, 1) })
	if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that the context was over", err)
	}
}

// Nacos's client waits for its first beat, never hurries, and learns by a beat
// that its lease is over.
func TestReactorOverHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t.Context(), t, "nacos")
		w.outages = []outage{{12 * time.Second, 33 * time.Second, errLost}, {43 * time.Second, 79 * time.Second, errNobody}}
		w.live(t.Context(), t, "reactor", 89*time.Second)
		same(t, "sent", w.sent, []string{
			"1s POST", "6s full", "11s light",
			"16s light in vain", "21s light in vain", "26s light in vain", "31s light in vain",
			"36s light", "41s light",
			"46s light in vain", "51s light in vain", "56s light in vain", "1m1s light in vain", "1m6s light in vain", "1m11s light in vain", "1m16s light in vain",
			"1m21s light unknown", "1m21s POST", "1m26s full",
			"1m29s DELETE",
		})
		same(t, "pushed", w.pushed, []string{
			"1s registered", "30s suspected", "36s healed", "1m0s suspected", "1m15s evicted", "1m21s registered", "1m29s cancelled",
		})
	})
}

func same(t *testing.T, what string, got []event, want []string) {
	t.Helper()
	if got := strings.Fields(fmt.Sprint(got)); !slices.Equal(got, strings.Fields(fmt.Sprint(want))) {
		t.Errorf("%s:\ngot  %v\nwant %v", what, got, want)
	}
}

// The Pacer keeps the same instance alive by the same requests. When it draws
// that they leave is not this test's matter, but what it promises of that is.
func TestPacerOverHTTP(t *testing.T) {
	const (
		duration, interval = 30 * time.Second, 5 * time.Second
		back               = 112 * time.Second // when the second outage is over
	)
	for _, rules := range []string{"nacos", "exact"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWire(t.Context(), t, rules)
			w.kernel.SetSelfPreservation(false) // it is the only instance
			w.outages = []outage{{31 * time.Second, 52 * time.Second, errLost}, {72 * time.Second, back, errNobody}}
			w.live(t.Context(), t, "pacer", 132*time.Second)
			if got, want := words(w.pushed), "registered suspected healed suspected evicted registered cancelled"; got != want {
				t.Errorf("%s: pushed %s, want %s", rules, got, want)
			}
			if got := strings.Count(words(w.sent), "unknown"); got != 0 {
				t.Errorf("%s: asked %d times for a lease that was over by its own count", rules, got)
			}
			for i, next := range w.sent[1 : len(w.sent)-1] { // the last is the farewell
				most := interval
				if strings.HasSuffix(w.sent[i].what, "in vain") {
					most = duration / 3
				}
				if next.at-w.sent[i].at > most {
					t.Errorf("%s: %v after %v: want at most %v", rules, next, w.sent[i], most)
				}
				if next.what == "POST" && (next.at < back || next.at > back+duration/3) {
					t.Errorf("%s: registered again at %v, want within %v after %v", rules, next.at, duration/3, back)
				}
			}
		})
	}
}

// A server that has too much to do asks for fewer beats, and gets fewer.
func TestPacerFollowsTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t.Context(), t, "nacos")
		w.switches.IntervalMillis = 9000
		w.live(t.Context(), t, "pacer", 61*time.Second)
		beats := w.sent[1 : len(w.sent)-1]
		if len(beats) < 6 {
			t.Fatalf("got %v, want six beats or more", beats)
		}
		for i, next := range beats[1:] {
			if gap := next.at - beats[i].at; gap < 8*time.Second || gap > 9*time.Second {
				t.Errorf("%v after %v: want 9s or a little less", next, beats[i])
			}
		}
	})
}

// A server that has lost the lease gets it back in the same instant.
func TestPacerRegistersAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t.Context(), t, "nacos")
		time.AfterFunc(13*time.Second, func() {
			w.kernel.Cancel(time.Now(), address{"DEFAULT_GROUP@@pay", "10.0.0.7", 8080, "DEFAULT"})
		})
		w.live(t.Context(), t, "pacer", 19*time.Second)
		lost := slices.IndexFunc(w.sent, func(e event) bool { return e.what == "light unknown" })
		if lost < 0 || w.sent[lost+1] != (event{w.sent[lost].at, "POST"}) {
			t.Errorf("got %v, want that it registers again", w.sent)
		}
	})
}

func TestAClientSaysWhatItCannotBe(t *testing.T) {
	c := newClient(http.DefaultClient, "http://registry", "pay", "10.0.0.7", 8080)
	if err := c.stayAlive(t.Context(), systemClock{}, "drum", 1); err == nil || err.Error() != `-beat is "drum": must be reactor or pacer` {
		t.Errorf("got %v", err)
	}
}

// What the server refuses it has not taken, and what has no answer perhaps.
func TestFailed(t *testing.T) {
	for _, test := range []struct {
		broken error
		want   heartbeat.ReplyKind
	}{{nil, heartbeat.Refused}, {errNobody, heartbeat.Refused}, {errLost, heartbeat.Unanswered}} {
		w := &wire{start: time.Now(), handler: http.NotFoundHandler(), outages: []outage{{0, time.Hour, test.broken}}}
		c := newClient(&http.Client{Transport: w}, "http://registry", "pay", "10.0.0.7", 8080)
		if got := (pacing{c}).Renew(t.Context()); got != (heartbeat.Reply{Kind: test.want}) {
			t.Errorf("%v: renewal got %+v, want %v", test.broken, got, test.want)
		}
		if got := (pacing{c}).Register(t.Context()); got != (heartbeat.Reply{Kind: test.want}) {
			t.Errorf("%v: registration got %+v, want %v", test.broken, got, test.want)
		}
	}
}

// An answer without an interval is none, whatever else is in it (quirk N27).
func TestBeatAnswers(t *testing.T) {
	for answer, want := range map[string]heartbeat.BeatAnswer{
		`{"code":10200,"clientBeatInterval":0,"lightBeatEnabled":true}`: {Code: heartbeat.BeatOK, Light: true, HasLight: true},
		`{"code":20404,"clientBeatInterval":5000}`:                      {Code: heartbeat.BeatNotFound, IntervalMillis: 5000},
		`{"code":1,"clientBeatInterval":-1,"lightBeatEnabled":false}`:   {Code: 1, IntervalMillis: -1, HasLight: true},
		`{"code":10200,"lightBeatEnabled":true}`:                        {},
		`null`:                                                          {},
		``:                                                              {},
	} {
		w := &wire{start: time.Now(), handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) })}
		c := newClient(&http.Client{Transport: w}, "http://registry", "pay", "10.0.0.7", 8080)
		got, err := c.beat(t.Context(), false)
		if got != want || (err != nil) != (want == heartbeat.BeatAnswer{}) {
			t.Errorf("%s: got %+v, %v, want %+v", answer, got, err, want)
		}
	}
}

func words(events []event) string {
	var words []string
	for _, event := range events {
		words = append(words, event.what)
	}
	return strings.Join(words, " ")
}
