package main

import (
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"slices"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
)

// registry serves a kernel. A lease's holder is the client's address.
type registry struct {
	kernel *leasekernel.Kernel[string, string]
	clock  leasekernel.Clock
}

func newRegistry(clock leasekernel.Clock, config leasekernel.Config) (*registry, error) {
	kernel, err := leasekernel.New(clock.Now(), config, leasekernel.Hooks[string, string]{Report: tell})
	return &registry{kernel, clock}, err
}

// tell writes down what a pass changed. Those who watch the registry would be
// told from here, too.
func tell(report leasekernel.Report[string, string]) {
	for _, change := range report.Changes {
		log.Printf("%d %v %s", change.Sequence, change.Kind, change.Lease.Key())
	}
	if report.Eviction != nil && !report.Eviction.Decision.Allowed {
		log.Print(report.Eviction.Decision)
	}
}

func (r *registry) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /leases/{key}", r.register)
	mux.HandleFunc("POST /leases/{key}", r.renew)
	mux.HandleFunc("DELETE /leases/{key}", r.cancel)
	mux.HandleFunc("GET /leases/{key}", r.explain)
	mux.HandleFunc("GET /leases", r.list)
	return mux
}

// maxAddress bounds what a client may send.
const maxAddress = 256

func (r *registry) register(w http.ResponseWriter, request *http.Request) {
	address, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxAddress))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if _, err := r.kernel.Register(r.clock.Now(), request.PathValue("key"), string(address), lease.Term{}); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (r *registry) renew(w http.ResponseWriter, request *http.Request) {
	answer(w, r.kernel.Renew(r.clock.Now(), request.PathValue("key")))
}

func (r *registry) cancel(w http.ResponseWriter, request *http.Request) {
	_, cancelled := r.kernel.Cancel(r.clock.Now(), request.PathValue("key"))
	answer(w, cancelled)
}

// answer tells a client whether it had a lease: if not it has to register.
func answer(w http.ResponseWriter, known bool) {
	if !known {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (r *registry) explain(w http.ResponseWriter, request *http.Request) {
	fmt.Fprintln(w, r.kernel.Explain(r.clock.Now(), request.PathValue("key")))
}

func (r *registry) list(w http.ResponseWriter, _ *http.Request) {
	leases := maps.Collect(r.kernel.All())
	for _, key := range slices.Sorted(maps.Keys(leases)) {
		fmt.Fprintf(w, "%s %s\n", key, leases[key].Holder())
	}
}
