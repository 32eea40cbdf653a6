package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// parameters are those of a request, and what is wrong with them.
type parameters struct {
	values   url.Values
	problems []error
}

// maxBody bounds what a client may send.
const maxBody = 64 << 10

// read takes the parameters from the query and from the body: each of Nacos's
// clients has its own way.
func read(w http.ResponseWriter, request *http.Request) *parameters {
	p := &parameters{values: url.Values{}}
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBody))
	if err != nil {
		p.refuse("body", "", err.Error())
	}
	p.add(request.URL.RawQuery)
	p.add(string(body))
	if namespace := p.text("namespaceId", "public"); namespace != "public" {
		p.refuse("namespaceId", namespace, "must be public: there is no other")
	}
	if !p.boolean("ephemeral", true) {
		p.refuse("ephemeral", "false", "must be true: an instance that does not beat has no lease")
	}
	return p
}

// add parses names and values. Nacos's client in Go does not escape the JSON of
// a beat, so what is JSON as it stands is taken as it stands.
func (p *parameters) add(pairs string) {
	for pair := range strings.SplitSeq(pairs, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if !json.Valid([]byte(value)) {
			unescaped, err := url.QueryUnescape(value)
			if err != nil {
				p.refuse(name, value, err.Error())
			}
			value = unescaped
		}
		p.values.Add(name, value)
	}
}

func (p *parameters) refuse(name, value, rule string) {
	p.problems = append(p.problems, fmt.Errorf("%s is %q: %s", name, value, rule))
}

func (p *parameters) err() error { return errors.Join(p.problems...) }

// text returns a parameter, or what stands for one that is missing or blank.
func (p *parameters) text(name, missing string) string {
	return cmp.Or(strings.TrimSpace(p.values.Get(name)), missing)
}

func (p *parameters) boolean(name string, missing bool) bool {
	text := p.text(name, strconv.FormatBool(missing))
	value, err := strconv.ParseBool(text)
	if err != nil {
		p.refuse(name, text, "must be true or false")
	}
	return value
}

// service returns the name with its group, as Nacos keeps it.
func (p *parameters) service() string {
	name := p.given("serviceName", p.text("serviceName", ""))
	if strings.Contains(name, "@@") {
		return name
	}
	return p.text("groupName", "DEFAULT_GROUP") + "@@" + name
}

func (p *parameters) address() address {
	return address{
		service: p.service(),
		ip:      p.given("ip", p.text("ip", "")),
		port:    p.port("port", p.text("port", "")),
		cluster: p.text("clusterName", "DEFAULT"),
	}
}

func (p *parameters) instance() instance {
	holder := instance{
		weight:  p.weight("weight", p.text("weight", "1")),
		enabled: p.boolean("enabled", p.boolean("enable", true)), // it has both names
	}
	text := p.text("metadata", "{}")
	if err := json.Unmarshal([]byte(text), &holder.metadata); err != nil {
		p.refuse("metadata", text, err.Error())
	}
	return holder
}

// beat returns which instance beats and, if the beat is full, what it is.
func (p *parameters) beat() (key address, holder instance, full bool) {
	text := p.text("beat", "")
	if text == "" {
		return p.address(), holder, false
	}
	info := beatInfo{Weight: "1", Metadata: map[string]string{}}
	if err := json.Unmarshal([]byte(text), &info); err != nil {
		p.refuse("beat", text, err.Error())
		return key, holder, true
	}
	key = address{
		service: p.service(),
		ip:      p.given("beat.ip", info.IP),
		port:    p.port("beat.port", info.Port.String()),
		cluster: cmp.Or(strings.TrimSpace(info.Cluster), p.text("clusterName", "DEFAULT")), // quirk N17
	}
	holder = instance{weight: p.weight("beat.weight", info.Weight.String()), enabled: true, metadata: info.Metadata}
	return key, holder, true
}

func (p *parameters) given(name, value string) string {
	if value == "" {
		p.refuse(name, value, "must be given")
	}
	return value
}

func (p *parameters) port(name, text string) int {
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		p.refuse(name, text, "must be a number from 0 to 65535")
	}
	return int(port)
}

func (p *parameters) weight(name, text string) float64 {
	weight, err := strconv.ParseFloat(text, 64)
	if err != nil || !(weight >= 0 && weight <= 10_000) {
		p.refuse(name, text, "must be a number from 0 to 10000")
	}
	return weight
}
