package replay

import (
	"cmp"
	"slices"
	"time"

	"github.com/leasekernel/leasekernel"
)

// nacosService is a service.
type nacosService struct {
	*nacosServer
	clusters              map[string]bool
	ephemeral, persistent *nacosList
	unjudged              map[nacosKey]bool // to which the pass does not get (quirk N4)
}

// newService makes a service, whose passes begin an interval later.
func (n *nacosServer) newService(interval time.Duration) (*nacosService, error) {
	s := &nacosService{nacosServer: n, clusters: make(map[string]bool), ephemeral: &nacosList{}, persistent: &nacosList{}}
	config := leasekernel.Nacos()
	config.EvictionInterval = interval
	config.ProposeOnly = true
	config.EvictByKey = true
	hooks := leasekernel.Hooks[nacosKey, nacosInstance]{
		Responsible: func(key nacosKey) bool { return n.responsible && !s.unjudged[key] },
		Order: func(_ time.Time, leases []nacosSnapshot) {
			slices.SortStableFunc(leases, func(a, b nacosSnapshot) int {
				return cmp.Compare(s.ephemeral.place(a.Key()), s.ephemeral.place(b.Key()))
			})
		},
	}
	var err error
	if s.ephemeral.kernel, err = leasekernel.New(n.now(), config, hooks); err != nil {
		return nil, err
	}
	s.persistent.kernel, err = leasekernel.New(n.now(), leasekernel.Nacos(), leasekernel.Hooks[nacosKey, nacosInstance]{})
	return s, err
}

func (s *nacosService) list(ephemeral bool) *nacosList {
	if ephemeral {
		return s.ephemeral
	}
	return s.persistent
}

// register registers an instance and reports whether that came to anything. It
// does not if the cluster is new and the instance cannot be written to the log,
// but then the cluster is not new any more (quirk N6).
func (s *nacosService) register(l *nacosList, key nacosKey, instance nacosInstance, healthy bool) (bool, error) {
	s.look(l, beforeWrite)
	l.mergeAddresses(s.now())
	if !s.clusters[key.cluster] {
		s.clusters[key.cluster] = true
		if instance.cannotBeWritten() {
			return false, nil
		}
	}
	term, err := instance.term()
	if err != nil {
		return false, err
	}
	registration, err := l.kernel.Register(s.now(), key, instance, term)
	if err != nil {
		return false, err
	}
	s.tellChanges(l.kernel.Rotate(s.now()).Changes)
	if !healthy && registration.Change.Kind == leasekernel.Registered {
		s.makeUnhealthy(l, key)
	}
	return true, nil
}

// makeUnhealthy makes an instance so without telling anybody.
func (s *nacosService) makeUnhealthy(l *nacosList, key nacosKey) {
	l.kernel.Suspect(s.now(), key)
	l.kernel.Rotate(s.now())
}

// renew is what a beat does to an ephemeral instance; others it leaves alone
// (quirk N19).
func (s *nacosService) renew(key nacosKey) bool {
	healed, renewed := s.ephemeral.kernel.RenewTelling(s.now(), key)
	if healed {
		s.tellChanges(s.ephemeral.kernel.Rotate(s.now()).Changes)
	}
	return renewed
}

// leave takes an instance away, as its client asks. Subscribers are told also
// if it was not there.
func (s *nacosService) leave(key nacosKey) {
	s.write(func(now time.Time) bool {
		_, ok := s.ephemeral.kernel.Cancel(now, key)
		return ok
	})
}

// delete takes an instance away, as a pass has asked, whatever has become of it
// since (quirk N8).
func (s *nacosService) delete(victim nacosSnapshot) {
	s.look(s.ephemeral, beforeDelete)
	s.tell("X" + s.name(victim.Key()))
	s.write(func(now time.Time) bool {
		_, ok := s.ephemeral.kernel.EvictProposed(now, victim)
		return ok
	})
}

func (s *nacosService) write(remove func(now time.Time) bool) {
	s.look(s.ephemeral, beforeWrite)
	s.ephemeral.mergeAddresses(s.now())
	if remove(s.now()) {
		s.tellChanges(s.ephemeral.kernel.Rotate(s.now()).Changes)
	} else {
		s.tell("P")
	}
}

// check is a pass. It ends at the first instance whose timeout cannot be read;
// then nobody is deleted, either (quirk N4).
func (s *nacosService) check() {
	l := s.ephemeral
	s.look(l, beforePass)
	works := s.healthChecks && s.responsible
	end := l.firstOf(func(i nacosSnapshot) bool { return i.Holder().hasUnreadable(leasekernel.NacosTimeoutKey) })
	thrown := works && end < len(l.order)
	s.unjudged = make(map[nacosKey]bool)
	if thrown {
		for _, key := range l.order[end:] {
			s.unjudged[key] = true
		}
	}
	l.kernel.SetSuspicion(s.healthChecks)
	l.kernel.SetEviction(s.healthChecks && s.expires)
	report := l.kernel.Evict(s.now())
	s.tellChanges(report.Changes)
	if thrown {
		s.tell("!")
		return
	}
	end = len(l.order)
	if works && s.expires {
		end = l.firstOf(func(i nacosSnapshot) bool {
			return !i.Exempt() && i.Holder().hasUnreadable(leasekernel.NacosDeleteKey)
		})
	}
	s.requestDeletes(report.Eviction.Proposed, end)
}

// requestDeletes asks for what the pass has proposed, up to the first instance
// whose timeout the loop reads and cannot, unless it is marked (quirk N4), or that
// is one of them and cannot be written to the log (quirk N5).
func (s *nacosService) requestDeletes(proposed []nacosSnapshot, end int) {
	l := s.ephemeral
	for _, victim := range proposed {
		if l.place(victim.Key()) > end || victim.Holder().cannotBeWritten() {
			s.tell("!")
			return
		}
		s.tell("D" + s.name(victim.Key()))
		s.request(s, victim)
	}
	if end < len(l.order) {
		s.tell("!")
	}
}
