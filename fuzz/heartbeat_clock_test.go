package fuzz

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/go-cmp/cmp"
	"github.com/leasekernel/leasekernel/heartbeat"
)

// The clocks of benbjohnson/clock are such as heartbeat.Run needs, as they are.
var (
	_ heartbeat.Clock = (*clock.Mock)(nil)
	_ heartbeat.Clock = clock.Clock(nil)
)

// forgetful is a transport to a server that knows a client only after it has
// registered twice. It writes down what it was asked and when.
type forgetful struct {
	clock         heartbeat.Clock
	registrations int
	log           []string // written by Run, read when it has ended
}

func (f *forgetful) Renew(context.Context) heartbeat.Reply {
	f.heard("renewal")
	if f.registrations < 2 {
		return heartbeat.Reply{Kind: heartbeat.Unknown}
	}
	return heartbeat.Reply{Kind: heartbeat.Accepted}
}

func (f *forgetful) Register(context.Context) heartbeat.Reply {
	f.heard("registration")
	f.registrations++
	return heartbeat.Reply{Kind: heartbeat.Accepted}
}

func (f *forgetful) heard(request string) {
	f.log = append(f.log, fmt.Sprint(f.clock.Now().Sub(time.Unix(0, 0)), " ", request))
}

// Eureka's client on a mock, from instant 0 on.
func TestClientOnAForeignClock(t *testing.T) {
	mock := heard{clock.NewMock(), make(chan time.Duration, 100)}
	client, err := heartbeat.NewEurekaClient(mock.Now(), heartbeatEvery, 10)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	server, ended := &forgetful{clock: mock}, make(chan error, 1)
	go func() { ended <- heartbeat.Run(ctx, mock, client, server) }()
	for range 4 {
		if wait := <-mock.waits; wait != heartbeatEvery {
			t.Errorf("at %v it waits for %v", mock.Now(), wait)
		}
		mock.Add(heartbeatEvery)
	}
	<-mock.waits
	end()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run ends with %v", err)
	}
	if diff := cmp.Diff([]string{
		"30s renewal", "30s registration", "1m0s renewal", "1m0s registration", "1m30s renewal", "2m0s renewal",
	}, server.log); diff != "" {
		t.Errorf("requests (-want +got)\n%s", diff)
	}
}
