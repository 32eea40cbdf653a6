package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel"
)

// stoppedClock is an instant that a test moves.
type stoppedClock struct{ now time.Time }

func (c *stoppedClock) Now() time.Time                       { return c.now }
func (c *stoppedClock) After(time.Duration) <-chan time.Time { return nil }

// fixture is a registry whose time stands still, and what it has pushed.
type fixture struct {
	*registry
	handler http.Handler
	clock   *stoppedClock
	pushed  []string
}

func newFixture(t *testing.T, rules string) *fixture {
	t.Helper()
	config, err := configOf(rules)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{clock: &stoppedClock{time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)}}
	f.registry, err = newRegistry(f.clock, config, func(kind leasekernel.Kind, key address) {
		f.pushed = append(f.pushed, fmt.Sprint(kind, " ", key))
	})
	if err != nil {
		t.Fatal(err)
	}
	f.handler = f.registry.handler()
	return f
}

// pass lets time pass, with a tick every second.
func (f *fixture) pass(later time.Duration) {
	for range later / time.Second {
		f.clock.now = f.clock.now.Add(time.Second)
		f.tell(f.kernel.Tick(f.clock.now)) // as Run does
	}
}

// ask makes a request about instances. The path may have a query.
func (f *fixture) ask(method, path, body string) (status int, answer string) {
	recorder := httptest.NewRecorder()
	f.handler.ServeHTTP(recorder, httptest.NewRequest(method, "/nacos/v1/ns/instance"+path, strings.NewReader(body)))
	return recorder.Code, strings.TrimSpace(recorder.Body.String())
}

// listed returns the instances of service pay with their health.
func (f *fixture) listed(t *testing.T, query string) (hosts []string) {
	t.Helper()
	status, answer := f.ask("GET", "/list?serviceName=pay"+query, "")
	var list listAnswer
	if err := json.Unmarshal([]byte(answer), &list); err != nil || status != http.StatusOK {
		t.Fatalf("list: got %d %q", status, answer)
	}
	for _, host := range list.Hosts {
		hosts = append(hosts, fmt.Sprintf("%s:%d %t", host.IP, host.Port, host.Healthy))
	}
	return hosts
}

func TestAnInstancesLife(t *testing.T) {
	const (
		it     = "?serviceName=pay&ip=10.0.0.7&port=8080"
		list   = "/list?serviceName=pay"
		known  = `{"code":10200,"clientBeatInterval":5000,"lightBeatEnabled":true}`
		none   = `"hosts":[]`
		itself = `"instanceId":"10.0.0.7#8080#DEFAULT#DEFAULT_GROUP@@pay"`
		full   = `serviceName=DEFAULT_GROUP@@pay&beat={"ip":"10.0.0.7","port":8080,"weight":2}`
	)
	for _, rules := range []string{"nacos", "exact"} {
		f := newFixture(t, rules)
		f.kernel.SetSelfPreservation(false) // it is the only instance
		for _, step := range []struct {
			later              time.Duration
			method, path, body string
			says               string
		}{
			{0, "PUT", "/beat" + it, "", `{"code":20404,"clientBeatInterval":5000}`},
			{0, "GET", list, "", none},
			{0, "POST", it, "", "ok"},
			{0, "GET", list, "", itself},
			{5 * time.Second, "PUT", "/beat" + it, "", known},
			{15 * time.Second, "GET", list, "", `"healthy":true`},
			{5 * time.Second, "GET", list, "", `"healthy":false,"valid":false,"enabled":true`},
			{0, "GET", list + "&healthyOnly=true", "", none},
			{0, "PUT", "/beat" + it, "", known},
			{0, "GET", list + "&healthyOnly=true", "", `"healthy":true`},
			{30 * time.Second, "GET", list, "", `"healthy":false`},
			{5 * time.Second, "GET", list, "", none},
			{0, "PUT", "/beat" + it, "", `{"code":20404,"clientBeatInterval":5000}`},
			{0, "PUT", "/beat", full, known},
			{0, "GET", list, "", `"weight":2`},
			{0, "DELETE", it, "", "ok"},
			{0, "DELETE", it, "", "ok"},
			{0, "GET", list, "", none},
		} {
			f.pass(step.later)
			if status, answer := f.ask(step.method, step.path, step.body); status != http.StatusOK || !strings.Contains(answer, step.says) {
				t.Errorf("%s: %s %s after %v: got %d %q, want %q", rules, step.method, step.path, step.later, status, answer, step.says)
			}
		}
		want := []string{"registered", "suspected", "healed", "suspected", "evicted", "registered", "cancelled"}
		if got := kinds(f.pushed); !slices.Equal(got, want) {
			t.Errorf("%s: pushed %v, want %v", rules, got, want)
		}
	}
}

func kinds(pushed []string) (words []string) {
	for _, push := range pushed {
		word, _, _ := strings.Cut(push, " ")
		words = append(words, word)
	}
	return words
}

// Ten fall silent at once. Nacos's rules empty the list, which a registry that
// suspects itself goes on to show.
func TestASilentFleet(t *testing.T) {
	for rules, want := range map[string]struct{ suspect, afterwards int }{"nacos": {0, 0}, "exact": {10, 10}} {
		f := newFixture(t, rules)
		beat := func() {
			for i := range 10 {
				f.ask("PUT", "/beat", fmt.Sprintf(`serviceName=pay&beat={"ip":"10.0.0.%d","port":80}`, i))
			}
		}
		for range 18 {
			beat()
			f.pass(5 * time.Second)
		}
		if got := len(f.listed(t, "&healthyOnly=true")); got != 10 {
			t.Fatalf("%s: got %d healthy, want all", rules, got)
		}
		f.pass(20 * time.Second)
		if got := f.kernel.Status(f.clock.now).Suspects; got != 10 {
			t.Errorf("%s: got %d suspects, want all", rules, got)
		}
		if got := len(f.listed(t, "&healthyOnly=true")); got != want.suspect {
			t.Errorf("%s: suspect, got %d listed as healthy, want %d", rules, got, want.suspect)
		}
		f.pass(time.Minute)
		if got := len(f.listed(t, "")); got != want.afterwards {
			t.Errorf("%s: silent, got %d listed, want %d", rules, got, want.afterwards)
		}
	}
}

// One of ten that falls silent is suspect and evicted, by either rules.
func TestOneSilentInstance(t *testing.T) {
	for _, rules := range []string{"nacos", "exact"} {
		f := newFixture(t, rules)
		for second := range 150 {
			for port := range 10 {
				if port%5 == second%5 && (port != 7 || second < 90) {
					f.ask("PUT", "/beat", fmt.Sprintf(`serviceName=pay&beat={"ip":"10.0.0.7","port":%d}`, port))
				}
			}
			f.pass(time.Second)
			if hosts := f.listed(t, ""); second == 110 && (len(hosts) != 10 || hosts[7] != "10.0.0.7:7 false") {
				t.Errorf("%s: silent for 24s: got %v, want port 7 unhealthy", rules, hosts)
			}
		}
		if hosts := f.listed(t, ""); len(hosts) != 9 || slices.Contains(hosts, "10.0.0.7:7 false") {
			t.Errorf("%s: got %v, want all but port 7", rules, hosts)
		}
	}
}

// A beat that registers is a heartbeat like any other.
func TestABeatThatRegistersCounts(t *testing.T) {
	f := newFixture(t, "exact")
	f.ask("PUT", "/beat", `serviceName=pay&beat={"ip":"10.0.0.7","port":8080}`)
	f.pass(10 * time.Second)
	if got := f.kernel.Status(f.clock.now).Renewals; got != 1 {
		t.Errorf("got %d renewals, want 1", got)
	}
}

// Clients put the parameters into the query or the body, escaped or not.
func TestEveryClientsWayIsUnderstood(t *testing.T) {
	beat := `{"ip":"10.0.0.7","port":8080,"weight":1,"serviceName":"DEFAULT_GROUP@@pay","cluster":"","metadata":{"note":"c%41+d; 100% = \u0026"},"scheduled":false}`
	const escaped = `%7B%22ip%22%3A%2210.0.0.7%22%2C%22port%22%3A%228080%22%2C%22metadata%22%3A%7B%22note%22%3A%22c%2541%2Bd%3B+100%25+%3D+%26%22%7D%7D`
	for name, request := range map[string]struct{ query, body string }{
		"body as it is": {"", "serviceName=DEFAULT_GROUP@@pay&beat=" + beat},
		"body escaped":  {"", "serviceName=DEFAULT_GROUP%40%40pay&clusterName=DEFAULT&beat=" + escaped},
		"query":         {"?namespaceId=public&serviceName=DEFAULT_GROUP%40%40pay&beat=" + escaped, ""},
	} {
		f := newFixture(t, "nacos")
		if status, answer := f.ask("PUT", "/beat"+request.query, request.body); status != http.StatusOK || !strings.Contains(answer, "10200") {
			t.Errorf("%s: got %d %q", name, status, answer)
		}
		found, ok := f.kernel.Get(address{"DEFAULT_GROUP@@pay", "10.0.0.7", 8080, "DEFAULT"})
		if !ok || found.Holder().metadata["note"] != "c%41+d; 100% = &" || found.Holder().weight != 1 {
			t.Errorf("%s: got %v %+v", name, ok, f.pushed)
		}
	}
}

// Another cluster is another instance; the beat's own is what counts.
func TestTheBeatsClusterWins(t *testing.T) {
	f := newFixture(t, "nacos")
	f.ask("PUT", "/beat", `serviceName=pay&clusterName=b&beat={"ip":"10.0.0.7","port":8080,"cluster":"c"}`)
	f.ask("PUT", "/beat", `serviceName=pay&clusterName=b&groupName=g&beat={"ip":"10.0.0.7","port":8080,"cluster":" "}`)
	want := []string{"registered 10.0.0.7#8080#c#DEFAULT_GROUP@@pay", "registered 10.0.0.7#8080#b#g@@pay"}
	if !slices.Equal(f.pushed, want) {
		t.Errorf("got %q, want %q", f.pushed, want)
	}
}

// The instance says how often it beats, and when it is suspect and evicted.
func TestMetadataOfTheHeartbeat(t *testing.T) {
	f := newFixture(t, "nacos")
	const it = "?serviceName=pay&ip=10.0.0.7&port=8080"
	f.ask("POST", it+`&metadata={"preserved.heart.beat.interval":"1000","preserved.heart.beat.timeout":"3000","preserved.ip.delete.timeout":"60000"}`, "")
	f.ask("POST", `?serviceName=pay&ip=10.0.0.8&port=8080&clusterName=b&metadata={"preserved.heart.beat.interval":"5s"}`, "")
	f.ask("POST", "?serviceName=pay&ip=10.0.0.9&port=8080&enable=false", "") // is not listed
	f.ask("POST", "?serviceName=other&ip=10.0.0.10&port=8080", "")           // nor is what nobody asks for
	f.switches.IntervalMillis = 7000                                         // of those who say nothing
	for query, want := range map[string]string{it: `"clientBeatInterval":1000,`, "?serviceName=pay&ip=10.0.0.8&port=8080&clusterName=b": `"clientBeatInterval":5000,`} {
		if _, got := f.ask("PUT", "/beat"+query, ""); !strings.Contains(got, want) {
			t.Errorf("beat: got %s, want %s", got, want)
		}
	}
	f.pass(5 * time.Second)
	if got, want := f.listed(t, ""), []string{"10.0.0.7:8080 false", "10.0.0.8:8080 true"}; !slices.Equal(got, want) {
		t.Errorf("after 5s: got %v, want %v", got, want)
	}
	if got, want := f.listed(t, "&clusters=a,b"), []string{"10.0.0.8:8080 true"}; !slices.Equal(got, want) {
		t.Errorf("in two clusters: got %v, want %v", got, want)
	}
	f.pass(55 * time.Second)
	if got, want := f.listed(t, ""), []string{"10.0.0.7:8080 false"}; !slices.Equal(got, want) {
		t.Errorf("after 60s: got %v, want %v", got, want)
	}
}

// What cannot be is refused by the parameter's name, and changes nothing.
func TestBadInput(t *testing.T) {
	const it = "?serviceName=pay&ip=10.0.0.7&port=8080"
	for _, test := range []struct{ rules, method, path, body, want string }{
		{"nacos", "POST", "", "", "serviceName is \"\": must be given\nip is \"\": must be given\nport is \"\": must be a number from 0 to 65535"},
		{"nacos", "POST", "?serviceName=pay&ip=10.0.0.7&port=65536", "", `port is "65536": must be a number from 0 to 65535`},
		{"nacos", "POST", it + "&weight=NaN", "", `weight is "NaN": must be a number from 0 to 10000`},
		{"nacos", "POST", it + "&enabled=perhaps", "", `enabled is "perhaps": must be true or false`},
		{"nacos", "POST", it + "&metadata=a,b", "", `metadata is "a,b": `},
		{"nacos", "POST", it + "&metadata=%zz", "", `metadata is "%zz": `},
		{"nacos", "POST", it + "&ephemeral=false", "", `ephemeral is "false": must be true`},
		{"nacos", "POST", it + "&namespaceId=dev", "", `namespaceId is "dev": must be public`},
		{"nacos", "POST", it, strings.Repeat("x", maxBody+1), `body is "": http: request body too large`},
		{"nacos", "POST", it + `&metadata={"preserved.ip.delete.timeout":"9223372036854775808"}`, "",
			"metadata: leasekernel: invalid: preserved.ip.delete.timeout is 9223372036854775808: must be at most"},
		{"exact", "POST", it + `&metadata={"preserved.heart.beat.timeout":"40000"}`, "", "metadata: leasekernel: invalid: lease: invalid: Suspect is 40s: must be 0, or"},
		{"exact", "PUT", "/beat", `serviceName=pay&beat={"ip":"10.0.0.7","port":8080,"metadata":{"preserved.heart.beat.interval":"0"}}`,
			"metadata: leasekernel: invalid: lease: invalid: Interval is 0s: must be above 0"},
		{"nacos", "PUT", "/beat", "", `ip is "": must be given`},
		{"nacos", "PUT", "/beat", "serviceName=pay&beat={", `beat is "{": unexpected end of JSON input`},
		{"nacos", "PUT", "/beat", `serviceName=pay&beat={"weight":-1}`,
			"beat.ip is \"\": must be given\nbeat.port is \"\": must be a number from 0 to 65535\nbeat.weight is \"-1\": must be a number from 0 to 10000"},
		{"nacos", "DELETE", "?serviceName=pay&ip=10.0.0.7&port=http", "", `port is "http": must be a number from 0 to 65535`},
		{"nacos", "GET", "/list", "", `serviceName is "": must be given`},
		{"nacos", "GET", "/list?serviceName=pay&healthyOnly=2", "", `healthyOnly is "2": must be true or false`},
	} {
		f := newFixture(t, test.rules)
		if status, answer := f.ask(test.method, test.path, test.body); status != http.StatusBadRequest || !strings.Contains(answer, test.want) {
			t.Errorf("%s %s: got %d %q, want 400 %q", test.method, test.path, status, answer, test.want)
		}
		if len(f.pushed) != 0 || f.kernel.Len() != 0 {
			t.Errorf("%s %s: got %v, want nothing", test.method, test.path, f.pushed)
		}
	}
}

func TestConfigOf(t *testing.T) {
	if _, err := configOf("eureka"); err == nil || err.Error() != `-rules is "eureka": must be nacos or exact` {
		t.Errorf("got %v", err)
	}
	config, err := configOf("exact")
	if problems := config.Validate(10); err != nil || len(problems) != 0 {
		t.Errorf("got %v, %v, want no problem", err, problems)
	}
}
