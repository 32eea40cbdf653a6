package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/nacos-group/nacos-sdk-go/clients"
	"github.com/nacos-group/nacos-sdk-go/clients/naming_client"
	"github.com/nacos-group/nacos-sdk-go/common/constant"
	"github.com/nacos-group/nacos-sdk-go/vo"
	"go.uber.org/zap"
)

// realTime is a registry on the real clock and a real socket. Who waits for
// something waits for the registry to tell, at most until the context ends.
type realTime struct {
	*registry
	ctx     context.Context
	url     string
	network sync.RWMutex  // who locks it holds all beats up
	beats   chan struct{} // that arrived
	changed chan struct{} // there was a change since the last look
}

// newRealTime starts a registry that asks for beats 50 ms apart, and passes as
// often.
func newRealTime(t *testing.T) *realTime {
	t.Helper()
	config := leasekernel.Nacos()
	config.Term.Interval, config.EvictionInterval = 50*time.Millisecond, 50*time.Millisecond
	// Ten beats at the client's own interval of 5 s would take longer.
	ctx, stop := context.WithTimeout(t.Context(), 40*time.Second)
	r := &realTime{ctx: ctx, beats: make(chan struct{}), changed: make(chan struct{}, 1)}
	var err error
	r.registry, err = newRegistry(systemClock{}, config, func(leasekernel.Kind, address) { r.noteChange() })
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = r.kernel.Run(ctx, systemClock{})
		close(ended)
	}()
	server := httptest.NewServer(r.gated(r.registry.handler()))
	r.url = server.URL
	t.Cleanup(func() {
		stop()
		server.Close()
		<-ended
	})
	return r
}

func (r *realTime) gated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.Method == http.MethodPut {
			r.network.RLock()
			defer r.network.RUnlock()
			select {
			case r.beats <- struct{}{}:
			default: // nobody counts
			}
		}
		next.ServeHTTP(w, request)
	})
}

func (r *realTime) noteChange() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// await waits until the registry's counts are as they should be, which they
// stay from then on.
func (r *realTime) await(reached func(leasekernel.Status) bool) bool {
	for !reached(r.kernel.Status(time.Now())) {
		select {
		case <-r.changed:
		case <-r.ctx.Done():
			return false
		}
	}
	return true
}

// newSDK returns Nacos's client. It cannot be closed: what it has started ends
// with the process.
func newSDK(t *testing.T, address string) naming_client.INamingClient {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseUint(parsed.Port(), 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	sdk, err := clients.NewNamingClient(vo.NacosClientParam{
		ClientConfig:  &constant.ClientConfig{NotLoadCacheAtStart: true, CacheDir: t.TempDir(), CustomLogger: zap.NewNop().Sugar()},
		ServerConfigs: []constant.ServerConfig{{IpAddr: parsed.Hostname(), Port: port}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return sdk
}

// Nacos's own client registers, beats as often as it is told, comes back by its
// beats after an outage, and leaves.
func TestNacosClient(t *testing.T) {
	r := newRealTime(t)
	sdk := newSDK(t, r.url)
	register := func(service string, metadata map[string]string) {
		t.Helper()
		ok, err := sdk.RegisterInstance(vo.RegisterInstanceParam{
			ServiceName: service, Ip: "127.0.0.1", Port: 8080, Weight: 1, Enable: true, Healthy: true, Ephemeral: true, Metadata: metadata,
		})
		if !ok || err != nil {
			t.Fatalf("register %s: got %t, %v", service, ok, err)
		}
	}
	leave := func(service string) {
		t.Helper()
		ok, err := sdk.DeregisterInstance(vo.DeregisterInstanceParam{ServiceName: service, Ip: "127.0.0.1", Port: 8080, Ephemeral: true})
		if !ok || err != nil {
			t.Errorf("leave %s: got %t, %v", service, ok, err)
		}
	}

	register("steady", map[string]string{"zone": "a"})
	defer leave("steady")
	for i := range 10 {
		select {
		case <-r.beats:
		case <-r.ctx.Done():
			t.Fatalf("got %d beats, want more", i)
		}
	}
	found, err := sdk.SelectInstances(vo.SelectInstancesParam{ServiceName: "steady", HealthyOnly: true})
	if err != nil || len(found) != 1 || found[0].Ip != "127.0.0.1" || found[0].Port != 8080 || found[0].Metadata["zone"] != "a" {
		t.Errorf("select: got %+v, %v, want the instance", found, err)
	}

	register("brief", map[string]string{leasekernel.NacosTimeoutKey: "300", leasekernel.NacosDeleteKey: "600"})
	defer leave("brief")
	before := r.kernel.Status(time.Now())
	r.network.Lock()
	evicted := r.await(func(now leasekernel.Status) bool { return now.Evicted > before.Evicted })
	r.network.Unlock()
	if now := r.kernel.Status(time.Now()); !evicted || now.Suspected == 0 {
		t.Fatalf("got %+v, want one suspected and evicted", now)
	}
	if !r.await(func(now leasekernel.Status) bool { return now.Registered > before.Registered }) {
		t.Fatal("no beat registered the instance again")
	}

	r.network.Lock() // or a beat that is under way brings it back
	leave("steady")
	_, known := r.kernel.Get(address{"DEFAULT_GROUP@@steady", "127.0.0.1", 8080, "DEFAULT"})
	r.network.Unlock()
	if known {
		t.Error("got an instance that has left")
	}
}
