package load

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/leasekernel/leasekernel/bench/peer"
)

// services name the leases' keys, such as PAYMENTS/i-0f3a9c12.
var services = strings.Fields("PAYMENTS ORDERS CATALOG SEARCH CART USERS INVOICE SHIPPING PRICING REVIEWS")

// keyOf returns a key as registries have them, of 15 to 19 bytes and of its
// own: number i's, for i below 1<<32.
func keyOf(i int) peer.Key {
	scattered := uint32(i) * 2654435761 // odd: no two are the same
	return peer.Key{
		Name: fmt.Sprintf("%s/i-%08x", services[scattered>>8%uint32(len(services))], scattered),
		ID:   int64(scattered) + 1, // 0 is no number to etcd
	}
}

// uniform returns the keys of n leases in a random order that is always the
// same. They lie one after the other, as copies: a heartbeat brings its key in
// a buffer of its own, which is in the processor's cache, while the registry's
// copy is not.
func uniform(n int) []peer.Key {
	order := rand.New(rand.NewPCG(5, 6)).Perm(n)
	keys := make([]peer.Key, n)
	for at, i := range order {
		keys[at] = keyOf(i)
	}
	return keys
}

// zipf returns a million keys of n leases as they come if few leases are
// renewed much more often than the others: the one of rank k with a
// probability proportional to 1/k to the power of 1.1.
func zipf(n int) []peer.Key {
	random := rand.New(rand.NewPCG(7, 8))
	ranks := rand.NewZipf(random, 1.1, 1, uint64(n-1))
	order := random.Perm(n) // popular leases do not lie side by side
	keys := make([]peer.Key, min(n, 1_000_000))
	for at := range keys {
		keys[at] = keyOf(order[ranks.Uint64()])
	}
	return keys
}
