package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/heartbeat"
)

// address is the key of a lease.
type address struct {
	service string
	ip      string
	port    int
	cluster string
}

// String returns what Nacos calls the instance's id.
func (a address) String() string {
	return fmt.Sprintf("%s#%d#%s#%s", a.ip, a.port, a.cluster, a.service)
}

// instance is the holder of a lease.
type instance struct {
	weight   float64
	enabled  bool
	metadata map[string]string
}

// registry serves a kernel.
type registry struct {
	kernel   *leasekernel.Kernel[address, instance]
	clock    leasekernel.Clock
	switches heartbeat.BeatSwitch
	push     func(leasekernel.Kind, address) // tells those who watch the registry
}

func newRegistry(clock leasekernel.Clock, config leasekernel.Config, push func(leasekernel.Kind, address)) (*registry, error) {
	r := &registry{clock: clock, push: push}
	r.switches = heartbeat.BeatSwitch{IntervalMillis: config.Term.Interval.Milliseconds(), Light: true}
	var err error
	r.kernel, err = leasekernel.New(clock.Now(), config, leasekernel.Hooks[address, instance]{Report: r.tell})
	return r, err
}

// tell pushes what a pass found. What a request changes it pushes itself, at
// once: who needs all changes in their order takes the report's Changes.
func (r *registry) tell(report leasekernel.Report[address, instance]) {
	if report.Eviction == nil {
		return
	}
	for _, change := range slices.Concat(report.Eviction.Suspected, report.Eviction.Evicted) {
		r.push(change.Kind, change.Key)
	}
	if !report.Eviction.Decision.Allowed {
		log.Print(report.Eviction.Decision)
	}
}

func (r *registry) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /nacos/v1/ns/instance", r.register)
	mux.HandleFunc("DELETE /nacos/v1/ns/instance", r.deregister)
	mux.HandleFunc("PUT /nacos/v1/ns/instance/beat", r.beat)
	mux.HandleFunc("GET /nacos/v1/ns/instance/list", r.list)
	return mux
}

func (r *registry) register(w http.ResponseWriter, request *http.Request) {
	p := read(w, request)
	key, holder := p.address(), p.instance()
	if err := p.err(); err != nil {
		fail(w, err)
		return
	}
	if err := r.grant(r.clock.Now(), key, holder); err != nil {
		fail(w, err)
		return
	}
	fmt.Fprint(w, "ok")
}

func (r *registry) grant(now time.Time, key address, holder instance) error {
	term, err := leasekernel.NacosTerm(holder.metadata)
	if err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	registration, err := r.kernel.Register(now, key, holder, term)
	if err != nil {
		return fmt.Errorf("metadata: %w", err) // there is no limit to fail on
	}
	r.push(registration.Change.Kind, key)
	return nil
}

func (r *registry) deregister(w http.ResponseWriter, request *http.Request) {
	p := read(w, request)
	key := p.address()
	if err := p.err(); err != nil {
		fail(w, err)
		return
	}
	if change, ok := r.kernel.Cancel(r.clock.Now(), key); ok {
		r.push(change.Kind, key)
	}
	fmt.Fprint(w, "ok") // also if there was none, as Nacos says
}

func (r *registry) beat(w http.ResponseWriter, request *http.Request) {
	p := read(w, request)
	key, holder, full := p.beat()
	if err := p.err(); err != nil {
		fail(w, err)
		return
	}
	answer, err := r.take(r.clock.Now(), key, holder, full)
	if err != nil {
		fail(w, err)
		return
	}
	write(w, encode(answer))
}

// take does what a beat asks for. Whether the instance is known is found out by
// renewing it: no pass comes between the question and the deed.
func (r *registry) take(now time.Time, key address, holder instance, full bool) (heartbeat.BeatAnswer, error) {
	healed, known := r.kernel.RenewTelling(now, key)
	if healed {
		r.push(leasekernel.Healed, key)
	}
	if found, ok := r.kernel.Get(key); known && ok {
		holder = found.Holder() // a beat does not change it (quirk N16)
	}
	verdict, answer := r.switches.Handle(beatOf(holder, known, full))
	if verdict != heartbeat.RegisterFromBeat {
		return answer, nil
	}
	if err := r.grant(now, key, holder); err != nil {
		return answer, err
	}
	r.kernel.Renew(now, key) // it counts like any other beat
	return answer, nil
}

func beatOf(holder instance, known, full bool) heartbeat.Beat {
	_, says := holder.metadata[leasekernel.NacosIntervalKey]
	term, _ := leasekernel.NacosTerm(holder.metadata) // if it fails, so does the registration
	return heartbeat.Beat{Known: known, Full: full, HasInterval: says, IntervalMillis: term.Interval.Milliseconds()}
}

// list looks at all leases for one service: who has many keeps an index.
//
// While the registry suspects itself, whom it cannot hear counts as healthy: a
// client of Nacos leaves out the others, and they are most likely well.
func (r *registry) list(w http.ResponseWriter, request *http.Request) {
	p := read(w, request)
	service, clusters, healthyOnly := p.service(), p.text("clusters", ""), p.boolean("healthyOnly", false)
	if err := p.err(); err != nil {
		fail(w, err)
		return
	}
	now := r.clock.Now()
	trusting := !r.kernel.Status(now).Decision.Allowed
	answer := listAnswer{Name: p.text("serviceName", ""), Clusters: clusters, CacheMillis: 10_000, LastRefTime: now.UnixMilli(), Hosts: []host{}}
	for key, l := range r.kernel.All() {
		healthy := trusting || !l.Suspected()
		asked := key.service == service && (clusters == "" || slices.Contains(strings.Split(clusters, ","), key.cluster))
		if asked && l.Holder().enabled && (healthy || !healthyOnly) {
			answer.Hosts = append(answer.Hosts, hostOf(key, l.Holder(), healthy))
		}
	}
	slices.SortFunc(answer.Hosts, func(a, b host) int { return cmp.Compare(a.InstanceID, b.InstanceID) })
	write(w, answer)
}

func write(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	_ = json.NewEncoder(w).Encode(answer) // it fails only if the client has gone
}

// fail answers a request that asks for something that cannot be.
func fail(w http.ResponseWriter, err error) {
	http.Error(w, err.Error(), http.StatusBadRequest)
}
