// Command nacos is a registry that clients of Nacos 1.x can use, and such a
// client: both sides of a heartbeat. The kernel decides who is alive and who is
// suspect, and package heartbeat when a client beats and what a beat is
// answered. Of Nacos there is only the naming of instances with heartbeats, in
// one namespace.
//
//	go run ./examples/nacos -listen localhost:8848 -rules nacos   # or exact, which preserves itself
//
//	curl -X POST   'localhost:8848/nacos/v1/ns/instance?serviceName=pay&ip=10.0.0.7&port=8080'       # register
//	curl -X PUT    'localhost:8848/nacos/v1/ns/instance/beat?serviceName=pay&ip=10.0.0.7&port=8080'  # a light beat; 20404: register again
//	curl           'localhost:8848/nacos/v1/ns/instance/list?serviceName=pay'                        # who is alive?
//	curl -X DELETE 'localhost:8848/nacos/v1/ns/instance?serviceName=pay&ip=10.0.0.7&port=8080'       # leave
//
// A client that registers an instance, keeps it alive and, interrupted, leaves:
//
//	go run ./examples/nacos -beat reactor -server http://localhost:8848 -service pay -ip 10.0.0.7 -port 8080
//
// With -beat reactor it beats as Nacos's own client does, with -beat pacer as
// package heartbeat recommends.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/lease"
)

// systemClock is the real one.
type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

func main() {
	listen := flag.String("listen", "localhost:8848", "address to listen on")
	rules := flag.String("rules", "nacos", "rules of the registry: nacos or exact")
	beat := flag.String("beat", "", "be a client instead, whose heartbeats go by: reactor or pacer")
	server := flag.String("server", "http://localhost:8848", "registry of the client")
	service := flag.String("service", "pay", "service of the client's instance")
	ip := flag.String("ip", "127.0.0.1", "address of the client's instance")
	port := flag.Int("port", 8080, "port of the client's instance")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	run := func() error { return serve(ctx, *listen, *rules, systemClock{}) }
	if *beat != "" {
		run = func() error {
			c := newClient(&http.Client{Timeout: 5 * time.Second}, *server, *service, *ip, *port)
			return c.stayAlive(ctx, systemClock{}, *beat, rand.Uint64())
		}
	}
	if err := run(); err != nil && !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

// serve runs the registry until the context ends.
func serve(ctx context.Context, listen, rules string, clock leasekernel.Clock) error {
	config, err := configOf(rules)
	if err != nil {
		return err
	}
	r, err := newRegistry(clock, config, func(kind leasekernel.Kind, key address) { log.Print(kind, " ", key) })
	if err != nil {
		return err
	}
	server := &http.Server{Addr: listen, Handler: r.handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_ = r.kernel.Run(ctx, clock) // it ends with the context
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// configOf returns Nacos's rules, or the exact ones with Nacos's terms: these
// withhold eviction when too many fall silent at once, and give each instance
// that is suspect the time for one more heartbeat. Their window is a dozen beats
// long, since Nacos's clients beat a little less often than they promise, and
// one beat that just misses it should not matter.
func configOf(rules string) (leasekernel.Config, error) {
	nacos := leasekernel.Nacos()
	switch rules {
	case "nacos":
		return nacos, nil
	case "exact":
		config := leasekernel.Exact()
		config.Term, config.EvictionInterval = nacos.Term, nacos.EvictionInterval
		config.Term.Rule = lease.Exact
		config.Window = time.Minute
		return config, nil
	}
	return leasekernel.Config{}, fmt.Errorf("-rules is %q: must be nacos or exact", rules)
}
