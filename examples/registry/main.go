// Command registry is a service registry over HTTP in a hundred lines: the
// kernel decides who is alive, and this keeps the addresses.
//
//	go run ./examples/registry -listen localhost:8761
//
//	curl -X PUT    -d 10.0.0.7:8080 localhost:8761/leases/payments-1   # register
//	curl -X POST   localhost:8761/leases/payments-1                    # renew; 404: register again
//	curl           localhost:8761/leases/payments-1                    # why is it (not) listed?
//	curl           localhost:8761/leases                               # who is alive?
//	curl -X DELETE localhost:8761/leases/payments-1                    # leave
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/leasekernel/leasekernel"
)

// systemClock is the real one.
type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

func main() {
	listen := flag.String("listen", "localhost:8761", "address to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := serve(ctx, *listen, systemClock{}); err != nil {
		log.Fatal(err)
	}
}

// serve runs the registry until the context ends.
func serve(ctx context.Context, listen string, clock leasekernel.Clock) error {
	r, err := newRegistry(clock, leasekernel.Exact())
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
