package peer

import (
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/server/v3/lease"
	"go.etcd.io/etcd/server/v3/storage/backend"
)

var etcd = Peer{
	Name:   "etcd",
	Module: "go.etcd.io/etcd/server/v3",
	About:  "etcd's lessor, primary, without a store; terms are whole seconds. Twice a second it offers 500 expired leases at most, which are revoked",
	Full:   true,
	New: func(time.Time, int) (Registry, error) {
		r := &etcdRegistry{
			lessor:  lease.NewLessor(nil, nowhere{}, nil, lease.LessorConfig{}),
			closing: make(chan struct{}),
		}
		r.lessor.SetRangeDeleter(func() lease.TxnDelete { return nothing{} })
		r.lessor.Promote(0)
		r.revoking.Go(r.revokeExpired)
		return r, nil
	},
}

// etcdRegistry is a lessor as the server uses it that leads a cluster.
//
// A lease costs an entry in a map, itself with a channel, a lock and an empty
// map of items, and a place in a heap, which another map finds by the lease's
// number. A renewal locks all of them, moves the lease within the heap, and
// waits for the revocation if the lease has expired. Left out are Raft's log,
// the store of leases and of the keys that are bound to them, and checkpoints.
type etcdRegistry struct {
	lessor lease.Lessor
	ended  atomic.Int64

	// applying orders grants and revocations, as Raft's log does: the lessor
	// cannot revoke a lease twice at once.
	applying sync.Mutex

	revoking sync.WaitGroup
	closing  chan struct{}
}

func (r *etcdRegistry) Register(_ time.Time, key Key, term time.Duration) {
	r.applying.Lock()
	defer r.applying.Unlock()
	id, seconds := lease.LeaseID(key.ID), int64((term+time.Second-1)/time.Second)
	_, err := r.lessor.Grant(id, seconds)
	if err == lease.ErrLeaseExists {
		must(r.lessor.Revoke(id))
		_, err = r.lessor.Grant(id, seconds)
	}
	must(err)
}

func (r *etcdRegistry) Renew(_ time.Time, key Key) bool {
	_, err := r.lessor.Renew(lease.LeaseID(key.ID))
	return err == nil
}

func (r *etcdRegistry) Cancel(key Key) bool {
	r.applying.Lock()
	defer r.applying.Unlock()
	return r.lessor.Revoke(lease.LeaseID(key.ID)) == nil
}

func (r *etcdRegistry) Len() int { return len(r.lessor.Leases()) }

func (r *etcdRegistry) Ended() int { return int(r.ended.Load()) }

func (r *etcdRegistry) Close() {
	r.lessor.Stop()
	close(r.closing)
	r.revoking.Wait()
}

// revokeExpired revokes what the lessor offers until the registry is closed.
func (r *etcdRegistry) revokeExpired() {
	for {
		select {
		case expired := <-r.lessor.ExpiredLeasesC():
			for _, l := range expired {
				r.revoke(l)
			}
		case <-r.closing:
			return
		}
	}
}

// revoke revokes a lease unless it has been replaced or cancelled since.
func (r *etcdRegistry) revoke(l *lease.Lease) {
	r.applying.Lock()
	defer r.applying.Unlock()
	if r.lessor.Lookup(l.ID) == l && r.lessor.Revoke(l.ID) == nil {
		r.ended.Add(1)
	}
}

// nowhere is a store that keeps nothing, with what the lessor calls of one.
type nowhere struct{ backend.Backend }

func (nowhere) BatchTx() backend.BatchTx { return noBatch{} }

func (nowhere) ForceCommit() {}

type noBatch struct{ backend.BatchTx }

func (noBatch) LockOutsideApply() {}

func (noBatch) LockInsideApply() {}

func (noBatch) Unlock() {}

func (noBatch) UnsafeCreateBucket(backend.Bucket) {}

func (noBatch) UnsafeForEach(backend.Bucket, func(k, v []byte) error) error { return nil }

func (noBatch) UnsafePut(backend.Bucket, []byte, []byte) {}

func (noBatch) UnsafeDelete(backend.Bucket, []byte) {}

// nothing deletes the keys that are bound to a lease: there are none.
type nothing struct{ lease.TxnDelete }

func (nothing) End() {}
