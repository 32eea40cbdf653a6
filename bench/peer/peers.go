package peer

// All returns the peers that are registries, ours first. None is told in
// advance how many leases there will be: a registry does not know that.
func All() []Peer {
	return []Peer{
		ours, oursEureka, oursKernel,
		etcd, ttlCache, otterCache, expirableLRU, wheel, timers,
		rwmutex64, syncMap, xsyncMap, bilibili,
	}
}
