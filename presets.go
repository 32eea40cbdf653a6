package leasekernel

import (
	"time"

	"github.com/leasekernel/leasekernel/lease"
	"github.com/leasekernel/leasekernel/preserve"
)

// Exact returns the recommended rules: leases of 90 s that are renewed every
// 30 s and expire after 90 s, a meter whose window slides and is tied to the
// lease, an expectation that is the sum of what the live leases promise, and a
// pass every 10 s. Change Term, and EvictionInterval with it, for other leases.
func Exact() Config {
	return Config{
		Term:             lease.Term{Duration: 90 * time.Second, Interval: 30 * time.Second},
		Steps:            20,
		Percent:          0.85,
		SelfPreservation: true,
		EvictionInterval: 10 * time.Second,
		History:          defaultHistory,
	}
}

// Eureka returns the rules of a family of Netflix Eureka's releases with their
// default settings, to the bit, quirks included. It differs from the originals
// on purpose in one thing, see [Config].EvictByKey. Call [Kernel.Open] when the
// registry opens for traffic.
func Eureka(release preserve.Release) Config {
	return Config{
		Release:           release,
		Term:              lease.Term{Duration: 90 * time.Second, Interval: 30 * time.Second, Rule: lease.Eureka},
		Window:            time.Minute,
		Percent:           0.85,
		SelfPreservation:  true,
		WaitWhenSyncEmpty: 5 * time.Minute,
		EvictionInterval:  time.Minute,
		UpdateInterval:    15 * time.Minute,
		History:           defaultHistory,
	}
}

// Spring returns the rules of Spring Cloud Netflix 5: Eureka v2.0.6, opened for
// one client at least. There are no recordings of it.
func Spring() Config { return Eureka(preserve.Spring) }

// Bilibili returns the rules of bilibili/discovery at commit 1e12d5c: leases
// that expire 90 s after the last renewal by the wall clock (quirks B2, B12), a
// tumbling meter of a minute and passes that keep their phase however late one
// comes (B14), and a ceiling of an hour beyond which also a registry that
// suspects itself evicts (B3). Give it Go's math/rand as the Source for the original's
// victims (B15). Where an update of what is expected is due with a pass it comes
// after it; the original draws lots.
func Bilibili() Config {
	config := Eureka(preserve.Bilibili)
	config.Term.Rule = lease.Bilibili
	config.Ceiling = time.Hour
	return config
}

// Nacos returns the rules of the heartbeat check of Nacos 1.4.2: leases that are
// suspect after 15 s, healed by the next renewal and evicted after 30 s, both by
// the wall clock and as each lease's term says, a pass every 5 s, and nothing
// that preserves the registry (quirk N34). [NacosTerm] reads the terms from
// metadata. It differs from the original on purpose in one thing: nothing that
// was renewed is evicted, see [Config].ProposeOnly and EvictByKey for that.
func Nacos() Config {
	return Config{
		Release:          preserve.Nacos,
		Term:             lease.Term{Duration: nacosDelete, Suspect: nacosTimeout, Interval: nacosInterval, Rule: lease.Nacos},
		Window:           time.Minute,
		EvictionInterval: 5 * time.Second,
		History:          defaultHistory,
	}
}

// defaultHistory is how many transitions the presets remember: some minutes of
// a busy registry, in about 64 KiB.
const defaultHistory = 1024

// rules is what tells the passes of the releases apart. What they expect is
// the preserve package's matter.
type rules struct {
	rule         lease.Rule // of all leases
	opens        bool       // passes begin when the registry opens, not when it is made
	meterAtOpen  bool       // each Open begins with a new meter, and nothing is renewed before the first
	unlimited    bool       // a pass evicts all candidates, in their order
	compensates  bool       // a pass forgives what it comes late
	seedsByClock bool       // each pass draws with a new generator
	timers       bool       // passes, the meter's too, are planned by a java.util.Timer
	ticker       bool       // passes are planned by a ticker of Go's
	updates      bool       // what is expected is updated from time to time
}

// Opens reports whether a kernel of these rules has to be opened before it
// evicts, as those of Eureka's releases.
func (c Config) Opens() bool { return rulesOf(c.Release).opens }

func rulesOf(release preserve.Release) rules {
	eureka := rules{rule: lease.Eureka, opens: true, timers: true, updates: true}
	switch release {
	case preserve.EurekaV1_2_5:
		eureka.meterAtOpen, eureka.unlimited = true, true
		return eureka
	case preserve.EurekaV1_3_0:
		eureka.meterAtOpen, eureka.seedsByClock = true, true
		return eureka
	case preserve.EurekaV1_4_9, preserve.EurekaV1_9_3, preserve.EurekaV1_9_4, preserve.EurekaV1_9_17, preserve.Spring:
		eureka.compensates, eureka.seedsByClock = true, true
		return eureka
	case preserve.Bilibili:
		return rules{rule: lease.Bilibili, ticker: true, updates: true}
	case preserve.Nacos:
		return rules{rule: lease.Nacos, unlimited: true}
	}
	return rules{compensates: true}
}
