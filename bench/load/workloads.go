package load

// A Workload is something that is measured of every peer that can do it.
type Workload struct {
	Name string
	Why  string // and what exactly

	measure func(r *registry) error // nil if it is not of registries
	alone   bool                    // nothing but the registry may be on the heap
}

// Workloads are what is measured, those of registries in this order.
var Workloads = []Workload{
	{"register", "A registry that starts hears of all its clients at once. Each lease is registered for the first time; nothing else goes on.", measureRegister, true},
	{"memory", "What a lease costs while nothing happens: bytes of the heap per lease, the key included, which is a string of its own; a full garbage collection in processor time, per million leases; its longest pause.", measureMemory, true},
	{"renew", "What a registry does all day: renewals by key, in a random order. Uniform: each client beats as often as the others. Zipf: few beat much more often (exponent 1.1). With a clock: one is read for each renewal, by the peer or for it, as a server does that takes one request at a time; without, one instant is given to 64 renewals, as after a read from a busy connection.", measureRenew, false},
	{"handle", "A server that keeps something beside a connection need not look the key up: renewals by what the peer's users can keep of a lease.", measureHandle, false},
	{"mixed", "99 renewals and one registration of a known key, as clients do that restart.", measureMixed, false},
	{"churn", "A lease is registered and cancelled at once, as when short jobs run: the pair.", measureChurn, false},
	{"alive", "The usual pass: everybody is alive. A virtual minute of which each second renews a thirtieth of the leases, then looks for expired ones; only that is measured.", measureAlive, false},
	{"latency", "Single renewals, two readings of the clock included, on one processor: while nothing else happens; while another one passes again and again and finds nothing; while every 100 ms 1 % more leases expire and are ended.", measureLatency, false},
	{"expired", "A pass that ends 1 % of the leases, and one that ends all. Peers that end in the background are measured by the processor time that the process uses until all of 1 % have ended.", measureExpired, false},
	{"count", "Each renewal is counted: one increment, by each of so many goroutines.", nil, false},
	{"decide", "A pass asks once whether too many are silent to evict anybody.", nil, false},
	{"pick", "When all have expired, a pass evicts 15 % of them in a random order: drawing these.", nil, false},
	{"transfer", "Two processors write one word by turns: how long it takes until the one sees what the other has written. Where it is long, or differs from round to round, so does everything that two processors write to.", nil, false},
}
