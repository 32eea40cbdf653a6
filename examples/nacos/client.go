package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/heartbeat"
)

// client makes the requests of an instance.
type client struct {
	http   *http.Client
	server string
	info   beatInfo
}

func newClient(transport *http.Client, server, service, ip string, port int) *client {
	info := beatInfo{ServiceName: "DEFAULT_GROUP@@" + service, IP: ip, Port: json.Number(strconv.Itoa(port)), Cluster: "DEFAULT", Weight: "1", Metadata: map[string]string{}}
	return &client{http: transport, server: server, info: info}
}

// stayAlive registers the instance and keeps it alive until the context ends;
// then it leaves.
func (c *client) stayAlive(ctx context.Context, clock leasekernel.Clock, beat string, seed uint64) error {
	term, err := leasekernel.NacosTerm(c.info.Metadata)
	if err != nil {
		return err
	}
	switch beat {
	case "reactor":
		err = c.react(ctx, clock, term.Interval)
	case "pacer":
		err = c.pace(ctx, clock, heartbeat.PacerConfig{Duration: term.Duration, Interval: term.Interval, Unregistered: true, Seed: seed})
	default:
		return fmt.Errorf("-beat is %q: must be reactor or pacer", beat)
	}
	return cmp.Or(c.deregister(context.WithoutCancel(ctx)), err)
}

// react beats as Nacos's client does. Its reactor has one thread, so that here
// nothing else happens while a request is out, and a next beat is always
// planned.
func (c *client) react(ctx context.Context, clock leasekernel.Clock, period time.Duration) error {
	reactor, err := heartbeat.NewReactor[string, *client](1)
	if err != nil {
		return err
	}
	reactor.Add(clock.Now(), c.info.ServiceName, c, period)
	_ = c.register(ctx) // the first beat registers, too
	for {
		at, _ := reactor.Next()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-clock.After(at.Sub(clock.Now())):
		}
		for task, ok := reactor.Due(clock.Now()); ok; task, ok = reactor.Due(clock.Now()) {
			if err := task.Value.perform(ctx, clock, reactor, task); err != nil {
				return err
			}
		}
	}
}

// perform makes the request and says how it ended.
func (c *client) perform(ctx context.Context, clock leasekernel.Clock, reactor *heartbeat.Reactor[string, *client], task heartbeat.BeatTask[string, *client]) error {
	if task.Action == heartbeat.RegisterAgain {
		if err := c.register(ctx); err != nil {
			return reactor.Failed(clock.Now(), task)
		}
		return reactor.Registered(clock.Now(), task)
	}
	answer, err := c.beat(ctx, task.Action == heartbeat.SendFull)
	if err != nil {
		return reactor.Failed(clock.Now(), task)
	}
	return reactor.Answered(clock.Now(), task, answer)
}

// pace beats as package heartbeat recommends.
func (c *client) pace(ctx context.Context, clock leasekernel.Clock, config heartbeat.PacerConfig) error {
	pacer, err := heartbeat.NewPacer(clock.Now(), config)
	if err != nil {
		return err
	}
	return heartbeat.Run(ctx, clock, pacer, pacing{c})
}

// longestInterval is more than a Pacer follows, and less than what a Duration
// holds, in milliseconds.
const longestInterval = 1 << 40

// pacing makes the requests that a Pacer asks for.
type pacing struct{ *client }

func (p pacing) Renew(ctx context.Context) heartbeat.Reply {
	answer, err := p.beat(ctx, false)
	if err != nil {
		return failed(err)
	}
	if answer.Code == heartbeat.BeatNotFound {
		return heartbeat.Reply{Kind: heartbeat.Unknown}
	}
	return heartbeat.Reply{Kind: heartbeat.Accepted, Interval: time.Duration(min(answer.IntervalMillis, longestInterval)) * time.Millisecond}
}

func (p pacing) Register(ctx context.Context) heartbeat.Reply {
	if err := p.register(ctx); err != nil {
		return failed(err)
	}
	return heartbeat.Reply{Kind: heartbeat.Accepted}
}

// failed tells what the server has refused, or has never heard of, from what
// has no answer.
func failed(err error) heartbeat.Reply {
	var network *net.OpError
	if errors.Is(err, errRefused) || errors.As(err, &network) && network.Op == "dial" {
		return heartbeat.Reply{Kind: heartbeat.Refused}
	}
	return heartbeat.Reply{}
}

// errRefused is wrapped by the errors of requests that were answered with one.
var errRefused = errors.New("refused")

func (c *client) register(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "", url.Values{"weight": {c.info.Weight.String()}, "metadata": {text(c.info.Metadata)}}, nil)
}

func (c *client) deregister(ctx context.Context) error {
	return c.do(ctx, http.MethodDelete, "", url.Values{}, nil)
}

func (c *client) beat(ctx context.Context, full bool) (heartbeat.BeatAnswer, error) {
	parameters := url.Values{}
	if full {
		parameters.Set("beat", text(c.info))
	}
	var answer beatAnswer
	if err := c.do(ctx, http.MethodPut, "/beat", parameters, &answer); err != nil {
		return heartbeat.BeatAnswer{}, err
	}
	return answer.decode()
}

// do makes a request about the instance. It takes the answer as JSON, unless
// that is nil.
func (c *client) do(ctx context.Context, method, path string, parameters url.Values, answer any) error {
	parameters.Set("serviceName", c.info.ServiceName)
	parameters.Set("ip", c.info.IP)
	parameters.Set("port", c.info.Port.String())
	parameters.Set("clusterName", c.info.Cluster)
	request, err := http.NewRequestWithContext(ctx, method, c.server+"/nacos/v1/ns/instance"+path+"?"+parameters.Encode(), nil)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: %s %s: %s", errRefused, method, path, response.Status)
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

// text is JSON that cannot fail: words and numbers only.
func text(value any) string {
	encoded, _ := json.Marshal(value)
	return string(encoded)
}
