package peer

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

var bilibili = Peer{
	Name:  "bilibili",
	About: "a registry built as bilibili/discovery's: application, zone and instance in maps with a lock each, and copies of instances for whoever asks; terms are 90 s",
	Given: true,
	Full:  true,
	New: func(time.Time, int) (Registry, error) {
		return &biliRegistry{apps: make(map[string]*biliApps)}, nil
	},
}

// biliRegistry has the structure of bilibili/discovery's registry, for keys such
// as PAYMENTS/i-0f3a9c12.
//
// A lease costs an entry in a map and an instance, as clients want to see it. A
// renewal writes the instance under its application's lock and answers with a
// copy. A pass copies all instances, and ends those that were silent in the
// copy, by their keys: also one that was renewed since. Left out are the guard
// and the limit of 15 % in a pass, so that all that has expired goes, and the
// rules for registrations that come late.
type biliRegistry struct {
	mu   sync.RWMutex
	apps map[string]*biliApps // by name and environment
}

// biliApps is an application in an environment.
type biliApps struct {
	mu    sync.RWMutex
	zones map[string]*biliApp
}

// biliApp is an application in a zone.
type biliApp struct {
	mu        sync.RWMutex
	instances map[string]*biliInstance // by host
}

type biliInstance struct {
	region, zone, env, app, host, version string

	addresses []string
	metadata  map[string]string
	status    uint32

	// Instants are nanoseconds since 1970.
	registered, up, renewed, dirty, latest int64
}

func (i *biliInstance) clone() *biliInstance {
	c := new(biliInstance)
	*c = *i
	c.addresses = slices.Clone(i.addresses)
	c.metadata = make(map[string]string, len(i.metadata))
	maps.Copy(c.metadata, i.metadata)
	return c
}

// All instances are in one place, live as long, and count as up.
const (
	biliRegion, biliZone, biliEnv, biliVersion = "region", "zone", "env", "1.0"

	biliTerm = 90 * time.Second
	biliUp   = 1
)

func (r *biliRegistry) Register(now time.Time, key Key, _ time.Duration) {
	name, host, _ := strings.Cut(key.Name, "/")
	at := now.UnixNano()
	r.app(name).add(&biliInstance{
		region: biliRegion, zone: biliZone, env: biliEnv, app: name, host: host, version: biliVersion,
		metadata: map[string]string{}, status: biliUp,
		registered: at, up: at, renewed: at, dirty: at, latest: at,
	})
}

// app makes the application if it is new.
func (r *biliRegistry) app(name string) *biliApp {
	key := name + "-" + biliEnv
	r.mu.Lock()
	apps, ok := r.apps[key]
	if !ok {
		apps = &biliApps{zones: make(map[string]*biliApp)}
		r.apps[key] = apps
	}
	r.mu.Unlock()
	apps.mu.Lock()
	defer apps.mu.Unlock()
	app, ok := apps.zones[biliZone]
	if !ok {
		app = &biliApp{instances: make(map[string]*biliInstance)}
		apps.zones[biliZone] = app
	}
	return app
}

// find returns the application in the zones that are asked for: in one here.
func (r *biliRegistry) find(name string) (found []*biliApp) {
	r.mu.RLock()
	apps, ok := r.apps[name+"-"+biliEnv]
	r.mu.RUnlock()
	if !ok {
		return nil
	}
	apps.mu.RLock()
	defer apps.mu.RUnlock()
	if app, ok := apps.zones[biliZone]; ok {
		found = append(found, app)
	}
	return found
}

func (r *biliRegistry) Renew(now time.Time, key Key) bool {
	name, host, _ := strings.Cut(key.Name, "/")
	apps := r.find(name)
	if len(apps) == 0 {
		return false
	}
	_, ok := apps[0].renew(now, host)
	return ok
}

func (r *biliRegistry) Cancel(key Key) bool {
	name, host, _ := strings.Cut(key.Name, "/")
	_, ok := r.cancel(name, host)
	return ok
}

func (r *biliRegistry) cancel(name, host string) (*biliInstance, bool) {
	apps := r.find(name)
	if len(apps) == 0 {
		return nil, false
	}
	return apps[0].cancel(host)
}

// all returns all applications in all zones.
func (r *biliRegistry) all() (all []*biliApp) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, apps := range r.apps {
		apps.mu.RLock()
		all = slices.AppendSeq(all, maps.Values(apps.zones))
		apps.mu.RUnlock()
	}
	return all
}

func (r *biliRegistry) Len() (n int) {
	for _, app := range r.all() {
		app.mu.RLock()
		n += len(app.instances)
		app.mu.RUnlock()
	}
	return n
}

func (r *biliRegistry) Close() {}

func (r *biliRegistry) Pass(now time.Time) (ended int) {
	at := now.UnixNano()
	var expired []*biliInstance
	for _, app := range r.all() {
		for _, i := range app.clones() {
			if at-i.renewed > int64(biliTerm) {
				expired = append(expired, i)
			}
		}
	}
	rand.Shuffle(len(expired), func(i, j int) { expired[i], expired[j] = expired[j], expired[i] })
	for _, i := range expired {
		if _, ok := r.cancel(i.app, i.host); ok {
			ended++
		}
	}
	return ended
}

func (a *biliApp) add(i *biliInstance) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if old, ok := a.instances[i.host]; ok {
		i.up = old.up
	}
	a.instances[i.host] = i
}

func (a *biliApp) renew(now time.Time, host string) (*biliInstance, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i, ok := a.instances[host]
	if !ok {
		return nil, false
	}
	i.renewed = now.UnixNano()
	return i.clone(), true
}

func (a *biliApp) cancel(host string) (*biliInstance, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i, ok := a.instances[host]
	if !ok {
		return nil, false
	}
	delete(a.instances, host)
	return i.clone(), true
}

func (a *biliApp) clones() []*biliInstance {
	a.mu.RLock()
	defer a.mu.RUnlock()
	clones := make([]*biliInstance, 0, len(a.instances))
	for _, i := range a.instances {
		clones = append(clones, i.clone())
	}
	return clones
}
