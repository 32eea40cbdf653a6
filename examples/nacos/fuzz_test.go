package main

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/heartbeat"
)

// FuzzNacos makes requests of any bytes, and of instances of any name, in the
// ways in which Nacos's clients write them.
func FuzzNacos(f *testing.F) {
	const it = "serviceName=pay&ip=10.0.0.7&port=8080"
	f.Add(byte(0), it+"&metadata=%7B%22preserved.ip.delete.timeout%22%3A%221%22%7D", "", "pay", "10.0.0.7", "", "version", "1", uint16(8080), 1.0)
	f.Add(byte(1), it, "&&=&ephemeral=true", "a@@b", "::1", " c1 ", leasekernel.NacosIntervalKey, "9223372036854775808", uint16(0), 10_000.0)
	f.Add(byte(2), "", `serviceName=pay&beat={"ip":"10.0.0.7","port":8080,"weight":2}`, " ", "10.0.0.7", "DEFAULT", "", "", uint16(1), -0.5)
	f.Add(byte(2), "serviceName=pay&beat=%7B%22ip%22%3A%22a%22%2C%22port%22%3A%221%22%7D", "", "pay", "", "a&b=c+d%20", "&", "=", uint16(65535), 1e-300)
	f.Add(byte(3), "serviceName=pay&clusters=DEFAULT,c1&healthyOnly=1", "namespaceId=public", "{}", "1e5", "订单", "\x00", "\"", uint16(9), 3.5)
	f.Add(byte(3), "serviceName=%zz&namespaceId=other", "ephemeral=false", "pay", "1", "2", "3", "4", uint16(5), 10_001.0)
	f.Fuzz(func(t *testing.T, kind byte, query, body, service, ip, cluster, name, value string, port uint16, weight float64) {
		checkRequest(t, kind, query, body)
		for _, text := range []string{service, ip, cluster, name, value} {
			if !utf8.ValidString(text) {
				return
			}
		}
		info := beatInfo{
			ServiceName: service, IP: ip, Port: json.Number(strconv.Itoa(int(port))), Cluster: cluster,
			Weight: json.Number(strconv.FormatFloat(weight, 'g', -1, 64)), Metadata: map[string]string{name: value},
		}
		checkRegistration(t, info, port, weight)
		checkBeat(t, info, port, weight)
	})
}

// requests are those that a registry answers.
var requests = []struct{ method, path string }{{"POST", ""}, {"DELETE", ""}, {"PUT", "/beat"}, {"GET", "/list"}}

// send makes a request whose query and body are taken as they are.
func (f *fixture) send(kind byte, query, body string) (status int, answer string) {
	k := requests[kind%4]
	request := httptest.NewRequest(k.method, "/nacos/v1/ns/instance"+k.path, strings.NewReader(body))
	request.URL.RawQuery = query
	recorder := httptest.NewRecorder()
	f.handler.ServeHTTP(recorder, request)
	return recorder.Code, recorder.Body.String()
}

// state is every lease, by its key.
func (f *fixture) state() map[address]uint64 {
	state := map[address]uint64{}
	for key, l := range f.kernel.All() {
		state[key] = l.Sequence()
	}
	return state
}

// checkRequest checks that a request is either refused with what is wrong with
// it, and changes nothing, or answered as its kind is.
func checkRequest(t *testing.T, kind byte, query, body string) {
	f := newFixture(t, "nacos")
	if status, answer := f.send(0, "serviceName=pay&ip=10.0.0.7&port=8080", ""); status != http.StatusOK {
		t.Fatal(status, answer)
	}
	before, pushed := f.state(), len(f.pushed)
	status, answer := f.send(kind, query, body)
	same := maps.Equal(f.state(), before) && len(f.pushed) == pushed
	switch {
	case status == http.StatusBadRequest && strings.TrimSpace(answer) != "" && same:
	case status != http.StatusOK:
		t.Errorf("%s %q %q: %d %q, changes nothing: %v", requests[kind%4], query, body, status, answer, same)
	case kind%4 < 2:
		if changes := len(f.pushed) - pushed; answer != "ok" || changes > 1 || changes == 0 && kind%4 == 0 {
			t.Errorf("%s %q %q: %q, pushed %q", requests[kind%4], query, body, answer, f.pushed)
		}
	case kind%4 == 2:
		var wire beatAnswer
		if err := json.Unmarshal([]byte(answer), &wire); err != nil {
			t.Fatalf("beat %q %q: %q: %v", query, body, answer, err)
		}
		decoded, err := wire.decode()
		unknown := decoded.Code == heartbeat.BeatNotFound
		if err != nil || !unknown && decoded.Code != heartbeat.BeatOK || unknown && (!same || decoded.HasLight) {
			t.Errorf("beat %q %q: %q, changes nothing: %v", query, body, answer, same)
		}
	default:
		var list listAnswer
		if err := json.Unmarshal([]byte(answer), &list); err != nil || !same || list.Hosts == nil || len(list.Hosts) > len(before) {
			t.Errorf("list %q %q: %q, %v, changes nothing: %v", query, body, answer, err, same)
		}
	}
}

// expected is the instance that a client means.
func expected(info beatInfo, port uint16) address {
	key := address{service: strings.TrimSpace(info.ServiceName), ip: info.IP, port: int(port), cluster: strings.TrimSpace(info.Cluster)}
	if !strings.Contains(key.service, "@@") {
		key.service = "DEFAULT_GROUP@@" + key.service
	}
	if key.cluster == "" {
		key.cluster = "DEFAULT"
	}
	return key
}

// checkRegistration registers an instance with its values escaped.
func checkRegistration(t *testing.T, info beatInfo, port uint16, weight float64) {
	metadata, err := json.Marshal(info.Metadata)
	if err != nil {
		t.Fatal(err)
	}
	values := url.Values{}
	for name, text := range map[string]string{
		"serviceName": info.ServiceName, "ip": info.IP, "port": info.Port.String(), "clusterName": info.Cluster,
		"weight": info.Weight.String(), "metadata": string(metadata),
	} {
		if escaped := url.QueryEscape(text); escaped != text && json.Valid([]byte(escaped)) {
			return // 1e 5, escaped, is a number as it stands
		}
		values.Set(name, text)
	}
	key := expected(info, port)
	key.ip = strings.TrimSpace(key.ip)
	_, wrong := leasekernel.NacosTerm(info.Metadata)
	valid := wrong == nil && weight >= 0 && weight <= 10_000 && strings.TrimSpace(info.ServiceName) != "" && key.ip != ""

	f := newFixture(t, "nacos")
	query, body := values.Encode(), ""
	if port%2 == 0 {
		query, body = body, query
	}
	status, answer := f.send(0, query, body)
	if (status == http.StatusOK) != valid {
		t.Fatalf("%+v: %d %q, valid: %v", info, status, answer, valid)
	}
	if !valid {
		return
	}
	l, ok := f.kernel.Get(key)
	if !ok || l.Holder().weight != weight || !l.Holder().enabled || !maps.Equal(l.Holder().metadata, info.Metadata) {
		t.Fatalf("%+v: %v has a lease: %v", info, key, ok)
	}
	if status, answer := f.send(1, query, body); status != http.StatusOK || f.kernel.Len() != 0 {
		t.Fatalf("%+v: %d %q, and %d leases are left", info, status, answer, f.kernel.Len())
	}
}

// checkBeat reads a full beat whose JSON is escaped, as Nacos's client in Java
// writes it, and one whose JSON stands as it is, as that in Go does.
func checkBeat(t *testing.T, info beatInfo, port uint16, weight float64) {
	text, err := json.Marshal(info)
	if err != nil {
		return // a weight that is no number
	}
	named := url.Values{"serviceName": {info.ServiceName}}.Encode()
	want := expected(info, port)
	valid := weight >= 0 && weight <= 10_000 && strings.TrimSpace(info.ServiceName) != "" && info.IP != ""
	for _, beat := range []string{string(text), url.QueryEscape(string(text))} {
		request := &http.Request{URL: &url.URL{RawQuery: named}, Body: io.NopCloser(strings.NewReader("beat=" + beat))}
		p := read(httptest.NewRecorder(), request)
		if escaped := url.QueryEscape(info.ServiceName); escaped != info.ServiceName && json.Valid([]byte(escaped)) {
			return // as in checkRegistration
		}
		key, holder, full := p.beat()
		if !full || (p.err() == nil) != valid {
			t.Fatalf("%q: full %v, %v, valid: %v", beat, full, p.err(), valid)
		}
		if valid && (key != want || holder.weight != weight || !holder.enabled || !maps.Equal(holder.metadata, info.Metadata)) {
			t.Fatalf("%q: got %+v, %+v, want %+v", beat, key, holder, want)
		}
	}
}
