// Package peer gives one face to everything that a user would pick instead of
// leasekernel, and to leasekernel, so that one loop can measure them all.
//
// An adapter does no more than a careful user of its library would: it keeps
// nothing beside the library's own structures unless the library cannot tell
// what a registry has to know, and says so then.
package peer

import "time"

// A Key names a lease. Most peers know a lease by its name; those whose users
// keep a number, such as etcd's, take that.
type Key struct {
	Name string
	ID   int64
}

// A Registry holds leases. All of its methods may be called at once from any
// goroutine, but Close, which is the last.
//
// Peers that read a clock of their own ignore now.
type Registry interface {
	// Register begins a lease, in place of one that the key may have.
	Register(now time.Time, key Key, term time.Duration)

	// Renew says whether the key has a lease that is now renewed, for as
	// long again as it was registered for.
	Renew(now time.Time, key Key) bool

	// Cancel ends a lease and says whether there was one.
	Cancel(key Key) bool

	// Len is how many leases there are, expired ones that nobody has ended
	// yet included. It may take long.
	Len() int

	// Close ends what the registry runs in the background.
	Close()
}

// A Passer ends what has expired when it is told to, as opposed to those that
// do so in the background. Pass is called by one goroutine at a time.
type Passer interface {
	Pass(now time.Time) (ended int)
}

// An Ender ends in the background what has expired, and counts how many leases
// it has ended so far. Whoever is neither a Passer nor an Ender cannot tell.
type Ender interface {
	Ended() int
}

// A Holder lets its users keep something of a lease that makes renewing it
// cheaper than by key. Hold returns a function that renews the lease of
// keys[i], all of which are registered.
type Holder interface {
	Hold(keys []Key) (renew func(now time.Time, i int) bool)
}

// A Peer is a kind of Registry.
type Peer struct {
	// Name is short, such as "etcd" or "ours".
	Name string

	// Module is the Go module that it is of; empty if it is written here.
	Module string

	// About says what it is and what it does for a lease.
	About string

	// Given tells that it takes the instants that it is given. The others
	// read a clock in each call.
	Given bool

	// Full tells that it does what a registry needs: it ends leases by
	// their terms, and one may ask it which. The others are parts of one.
	Full bool

	// New returns an empty registry that will have about n leases. Its
	// present is now.
	New func(now time.Time, n int) (Registry, error)
}

// A Meter counts renewals.
type Meter struct {
	Name, Module, About string

	// New returns a function for each of the goroutines that will count at
	// once, which counts one renewal.
	New func(now time.Time, goroutines int) (count []func(now time.Time), close func())
}
