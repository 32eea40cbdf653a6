package peer

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/etcd/server/v3/lease"
)

// term is a multiple of all that peers round to.
const term = 90 * time.Second

func keysOf(n int) []Key {
	keys := make([]Key, n)
	for i := range keys {
		keys[i] = Key{Name: fmt.Sprintf("PAYMENTS/i-%04d", i), ID: int64(i) + 1}
	}
	return keys
}

// eachPeer calls story with an empty registry of each peer, in a bubble where
// time is what story makes of it. Expirable's goroutine never ends, which no
// bubble bears: its story is told in real time.
func eachPeer(t *testing.T, story func(t *testing.T, p Peer, r Registry)) {
	for _, p := range All() {
		tell := func(t *testing.T) {
			r, err := p.New(time.Now(), 10)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			story(t, p, r)
		}
		t.Run(p.Name, func(t *testing.T) {
			if p.Name == expirableLRU.Name {
				tell(t)
				return
			}
			synctest.Test(t, tell)
		})
	}
}

func TestLeasesComeAndGo(t *testing.T) {
	eachPeer(t, func(t *testing.T, _ Peer, r Registry) {
		keys := keysOf(10)
		stranger := keys[9]
		keys = keys[:9]
		leases := func(want int) {
			t.Helper()
			if n := r.Len(); n != want {
				t.Fatalf("%d leases, want %d", n, want)
			}
		}
		renews := func(key Key, want bool) {
			t.Helper()
			if ok := r.Renew(time.Now(), key); ok != want {
				t.Fatalf("renewed %v: %t, want %t", key, ok, want)
			}
		}
		cancels := func(key Key, want bool) {
			t.Helper()
			if ok := r.Cancel(key); ok != want {
				t.Fatalf("cancelled %v: %t, want %t", key, ok, want)
			}
		}

		leases(0)
		renews(stranger, false)
		cancels(stranger, false)
		for _, key := range keys {
			r.Register(time.Now(), key, term)
		}
		leases(9)
		for _, key := range keys {
			renews(key, true)
		}
		renews(stranger, false)

		cancels(keys[0], true)
		leases(8)
		renews(keys[0], false)
		cancels(keys[0], false)
		r.Register(time.Now(), keys[0], term)
		renews(keys[0], true)

		r.Register(time.Now(), keys[1], term) // in place of its lease
		leases(9)
		renews(keys[1], true)
		cancels(keys[1], true)
		renews(keys[1], false)
		leases(8)
	})
}

func TestHandlesRenewWhatTheyWereHeldFor(t *testing.T) {
	eachPeer(t, func(t *testing.T, _ Peer, r Registry) {
		holder, ok := r.(Holder)
		if !ok {
			return
		}
		keys := keysOf(4)
		for _, key := range keys {
			r.Register(time.Now(), key, term)
		}
		renew := holder.Hold(keys)
		renews := func(want ...bool) {
			t.Helper()
			for i := range keys {
				if ok := renew(time.Now(), i); ok != want[i] {
					t.Fatalf("handle %d renewed: %t, want %t", i, ok, want[i])
				}
			}
		}
		renews(true, true, true, true)
		r.Cancel(keys[0])
		r.Register(time.Now(), keys[1], term)
		renews(false, false, true, true)

		goOn(term * 2 / 3)
		renews(false, false, true, true)
		if !r.Renew(time.Now(), keys[1]) {
			t.Fatal("the new lease was not renewed")
		}
		goOn(term * 2 / 3)
		end(t, r, 0)
		if n := r.Len(); n != 3 {
			t.Fatalf("%d leases, want the 3 that were renewed", n)
		}
		goOn(term * 2)
		end(t, r, 3)
		renews(false, false, false, false)
	})
}

// goOn lets the bubble's time go on, and waits until all that it brings about
// is done.
func goOn(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// end ends what has expired, if that is not done in the background.
func end(t *testing.T, r Registry, want int) {
	t.Helper()
	if passer, ok := r.(Passer); ok {
		if ended := passer.Pass(time.Now()); ended != want {
			t.Fatalf("a pass ended %d leases, want %d", ended, want)
		}
	}
}

func TestTheSilentEnd(t *testing.T) {
	eachPeer(t, func(t *testing.T, p Peer, r Registry) {
		if p.Name == expirableLRU.Name {
			return // its own test is below
		}
		keys := keysOf(10)
		for _, key := range keys {
			r.Register(time.Now(), key, term)
			r.Renew(time.Now(), key)
		}
		goOn(term * 2 / 3)
		end(t, r, 0)
		for _, key := range keys[:4] {
			if !r.Renew(time.Now(), key) {
				t.Fatalf("%v was not renewed in time", key)
			}
		}

		goOn(term * 2 / 3)
		if _, ok := r.(Passer); ok {
			remain(t, r, 10, 0) // until somebody ends them
		}
		end(t, r, 6)
		remain(t, r, 4, 6)
		for i, key := range keys {
			if ok := r.Renew(time.Now(), key); ok != (i < 4) {
				t.Fatalf("renewed %v: %t", key, ok)
			}
		}

		goOn(term * 4 / 3)
		end(t, r, 4)
		remain(t, r, 0, 10)
		end(t, r, 0)
	})
}

// remain checks how many leases there are, and how many have ended.
func remain(t *testing.T, r Registry, leases, ended int) {
	t.Helper()
	if n := r.Len(); n != leases {
		t.Fatalf("%d leases, want %d", n, leases)
	}
	if ender, ok := r.(Ender); ok && ender.Ended() != ended {
		t.Fatalf("%d leases have ended, want %d", ender.Ended(), ended)
	}
}

// Who takes instants may be told of a lease late, after its time.
func TestALeaseThatIsOverFromTheStart(t *testing.T) {
	eachPeer(t, func(t *testing.T, p Peer, r Registry) {
		if !p.Given {
			return
		}
		keys := keysOf(2)
		r.Register(time.Now(), keys[0], term)
		r.Register(time.Now().Add(-2*term), keys[1], term)
		goOn(2 * time.Second)
		end(t, r, 1)
		if !r.Renew(time.Now(), keys[0]) || r.Renew(time.Now(), keys[1]) {
			t.Fatal("the wrong lease was ended")
		}
	})
}

// Expirable's time is real: what stands still for longer than the term loses
// all leases, and gets a longer one.
func TestExpirableEndsTheSilent(t *testing.T) {
	for term := 50 * time.Millisecond; term < 10*time.Second; term *= 2 {
		if outlives(t, term) {
			return
		}
	}
	t.Fatal("a lease that is renewed all the time has ended")
}

// outlives says whether a lease that is renewed outlives one that is silent.
func outlives(t *testing.T, term time.Duration) bool {
	r, err := expirableLRU.New(time.Now(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	keys := keysOf(2)
	for _, key := range keys {
		r.Register(time.Now(), key, term)
	}
	beat := time.NewTicker(term / 50)
	defer beat.Stop()
	for range 500 {
		if !r.Renew(time.Now(), keys[0]) {
			return false
		}
		if r.Len() == 1 {
			return true
		}
		<-beat.C
	}
	return false
}

func TestAPassByHandSparesWhatHasChanged(t *testing.T) {
	epoch := time.Unix(0, 0)
	m := NewLockedMap[string, int](epoch)
	keys := []string{"renewed", "replaced", "cancelled", "silent"}
	for i, key := range keys {
		m.Register(epoch, key, i, term)
	}
	if found := m.AppendExpired(nil, epoch.Add(term)); len(found) != 0 {
		t.Fatalf("%d leases have expired when their term is just over, want none", len(found))
	}
	late := epoch.Add(term + 1)
	found := m.AppendExpired(nil, late)
	if len(found) != len(keys) {
		t.Fatalf("%d leases have expired, want %d", len(found), len(keys))
	}
	m.Renew(late, "renewed")
	m.Register(late, "replaced", 4, term)
	m.Cancel("cancelled")
	for _, seen := range found {
		if ok := m.Evict(seen); ok != (keys[seen.Holder()] == "silent") {
			t.Errorf("evicted what was %s: %t", keys[seen.Holder()], ok)
		}
	}
	if n := m.Len(); n != 2 {
		t.Errorf("%d leases, want 2", n)
	}
}

// What ends leases in the background may come when a lease has been replaced.
func TestAnEndThatComesTooLate(t *testing.T) {
	eachPeer(t, func(t *testing.T, _ Peer, r Registry) {
		key := keysOf(1)[0]
		r.Register(time.Now(), key, term)
		var late func()
		switch r := r.(type) {
		case *etcdRegistry:
			old := r.lessor.Lookup(lease.LeaseID(key.ID))
			late = func() { r.revoke(old) }
		case *timerRegistry:
			old := r.timers[key.Name]
			late = func() { r.end(key.Name, old) }
		case *wheelRegistry:
			old := r.leases[key.Name]
			late = func() { r.end(key.Name, old) }
		default:
			return
		}
		r.Register(time.Now(), key, term)
		late()
		remain(t, r, 1, 0)
	})
}

// Whatever many do at once, in the end those leases are there that can be
// renewed.
func TestManyAtOnce(t *testing.T) {
	eachPeer(t, func(t *testing.T, p Peer, r Registry) {
		keys := keysOf(50)
		var many sync.WaitGroup
		for g := range 4 {
			many.Go(func() {
				for i := range 500 {
					key := keys[(i*(g+1)+g)%len(keys)]
					switch i % 4 {
					case g:
						r.Register(time.Now(), key, term)
					case (g + 1) % 4:
						r.Cancel(key)
					default:
						r.Renew(time.Now(), key)
					}
				}
			})
		}
		many.Go(func() {
			for range 20 {
				if passer, ok := r.(Passer); ok {
					ended := passer.Pass(time.Now())
					if ended != 0 && p.Name != ttlCache.Name { // whose passes count what is cancelled meanwhile
						t.Errorf("a pass ended %d leases, want none", ended)
					}
				}
				r.Len()
			}
		})
		many.Wait()
		alive := 0
		for _, key := range keys {
			if r.Renew(time.Now(), key) {
				alive++
			}
		}
		if n := r.Len(); n != alive || alive == 0 {
			t.Fatalf("%d leases, and %d could be renewed", n, alive)
		}
	})
}

func TestMetersCount(t *testing.T) {
	const goroutines, each = 4, 1000
	for _, m := range meters {
		t.Run(m.name, func(t *testing.T) {
			now := time.Now()
			c := m.start(now, goroutines)
			defer c.close()
			if len(c.count) != goroutines {
				t.Fatalf("%d functions, want %d", len(c.count), goroutines)
			}
			var all sync.WaitGroup
			for _, count := range c.count {
				all.Go(func() {
					for range each {
						count(now)
					}
				})
			}
			all.Wait()
			if n := c.total(now.Add(window / windowSteps)); n != goroutines*each {
				t.Fatalf("counted %d, want %d", n, goroutines*each)
			}
		})
	}
}

func TestPeersAreNamed(t *testing.T) {
	required, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	check := func(names map[string]bool, name, module, about string) {
		if name == "" || names[name] || about == "" {
			t.Errorf("peer %q: no name, or one that another has, or nothing about it: %q", name, about)
		}
		names[name] = true
		if module != "" && !bytes.Contains(required, []byte("\t"+module+" v")) {
			t.Errorf("peer %q: module %q is not in go.mod", name, module)
		}
	}
	registries, counters := map[string]bool{}, map[string]bool{}
	for _, p := range All() {
		check(registries, p.Name, p.Module, p.About)
	}
	for _, m := range Meters() {
		check(counters, m.Name, m.Module, m.About)
	}
	if All()[0].Name != "ours" || Meters()[0].Name != "ours" {
		t.Error("ours is not the first")
	}
}
