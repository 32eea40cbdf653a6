package heartbeat_test

import (
	"fmt"
	"log"
	"time"

	"github.com/leasekernel/leasekernel/heartbeat"
)

// A client renews every 30 seconds. While its registry does not answer in
// time, it backs off, to 5 minutes at most.
func ExampleSupervisor() {
	supervisor, err := heartbeat.NewSupervisor(30*time.Second, 10)
	if err != nil {
		log.Fatal(err)
	}
	for _, outcome := range []heartbeat.Outcome{
		heartbeat.Success,
		heartbeat.Timeout,
		heartbeat.Timeout,
		heartbeat.Failed,
		heartbeat.Timeout,
		heartbeat.Timeout,
		heartbeat.Success,
	} {
		fmt.Printf("%v: renew again after %v\n", outcome, supervisor.Next(outcome))
	}
	// Output:
	// success: renew again after 30s
	// timeout: renew again after 1m0s
	// timeout: renew again after 2m0s
	// failed: renew again after 2m0s
	// timeout: renew again after 4m0s
	// timeout: renew again after 5m0s
	// success: renew again after 30s
}
