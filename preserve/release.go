package preserve

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Release names the arithmetic of a family of releases. The zero value is
// none of them.
type Release uint8

// The families, oldest first. The comment names what sets each apart from the
// one before.
const (
	_ Release = iota
	// EurekaV1_2_5 is Eureka v1.2.5: renewals per minute are expected, and
	// evicting a lease lowers them.
	EurekaV1_2_5
	// EurekaV1_3_0 is v1.3.0 to v1.4.8: the same arithmetic; passes are
	// limited and random from here on.
	EurekaV1_3_0
	// EurekaV1_4_9 is v1.4.9 to v1.9.2: evicting lowers nothing any more.
	EurekaV1_4_9
	// EurekaV1_9_3 is v1.9.3: an update is compared with percent of what is
	// expected, not with percent of the threshold (quirk T8).
	EurekaV1_9_3
	// EurekaV1_9_4 is v1.9.4 to v1.9.16: clients are expected, each with 60
	// seconds / interval renewals.
	EurekaV1_9_4
	// EurekaV1_9_17 is v1.9.17 to v2.0.6: evicting lowers the expectation
	// again.
	EurekaV1_9_17
	// Spring is Spring Cloud Netflix 5 with its default settings: Eureka
	// v2.0.6, opened for at least one client, which need not exist. There are
	// no recordings of it; the facts are Spring's documented defaults.
	Spring
	// Bilibili is bilibili/discovery at commit 1e12d5c: renewals per minute in
	// 64 bits, and reaching the threshold is enough (quirk B1). The original's
	// percent is always 0.85, and its self-preservation always on; but it evicts
	// a lease that was silent for over an hour even where the Decision withholds
	// eviction (B3), which is left to the pass.
	Bilibili
	// Nacos is Nacos 1.4.2: nothing is expected, and nothing withholds eviction
	// (quirk N34).
	Nacos
)

// rules is what tells the families apart.
type rules struct {
	name           string
	perClient      int64 // added to the expectation by one client
	clients        bool  // the expectation counts clients, not renewals
	evictionLowers bool
	ofThreshold    bool // an update is compared with percent of the threshold
	openEmptyAs    int64
	countsFromZero bool // a registration also raises an expectation of 0 (Eureka's stays 0)
	adoptsAll      bool // an update is never ignored
	reaching       bool // as many renewals as the threshold are enough
	wide           bool // 64 bits, no overflow of Java's int
	unprotected    bool // nothing withholds eviction
}

var families = [...]rules{
	EurekaV1_2_5:  {name: "eureka v1.2.5", perClient: 2, evictionLowers: true, ofThreshold: true},
	EurekaV1_3_0:  {name: "eureka v1.3.0 - v1.4.8", perClient: 2, evictionLowers: true, ofThreshold: true},
	EurekaV1_4_9:  {name: "eureka v1.4.9 - v1.9.2", perClient: 2, ofThreshold: true},
	EurekaV1_9_3:  {name: "eureka v1.9.3", perClient: 2},
	EurekaV1_9_4:  {name: "eureka v1.9.4 - v1.9.16", perClient: 1, clients: true},
	EurekaV1_9_17: {name: "eureka v1.9.17 - v2.0.6", perClient: 1, clients: true, evictionLowers: true},
	Spring:        {name: "spring", perClient: 1, clients: true, evictionLowers: true, openEmptyAs: 1},
	Bilibili:      {name: "bilibili", perClient: 2, countsFromZero: true, adoptsAll: true, reaching: true, wide: true},
	Nacos:         {name: "nacos", adoptsAll: true, unprotected: true},
}

func (r Release) known() bool { return r > 0 && int(r) < len(families) }

// String returns the family's name, such as "eureka v1.9.4 - v1.9.16".
func (r Release) String() string {
	if !r.known() {
		return fmt.Sprintf("Release(%d)", uint8(r))
	}
	return families[r].name
}

// Releases returns all families, oldest first, Spring, Bilibili and Nacos last.
func Releases() []Release {
	var all []Release
	for r := range families {
		if Release(r).known() {
			all = append(all, Release(r))
		}
	}
	return all
}

// firstOf is the first release of each Eureka family.
var firstOf = []struct {
	version []int
	family  Release
}{
	{[]int{1, 9, 17}, EurekaV1_9_17},
	{[]int{1, 9, 4}, EurekaV1_9_4},
	{[]int{1, 9, 3}, EurekaV1_9_3},
	{[]int{1, 4, 9}, EurekaV1_4_9},
	{[]int{1, 3, 0}, EurekaV1_3_0},
	{[]int{1, 2, 5}, EurekaV1_2_5},
}

// lastRelease is the newest release whose arithmetic is known.
var lastRelease = []int{2, 0, 6}

// ParseRelease returns the family of a release tag of Eureka, such as
// "v1.4.12" (the v may be missing), or of "spring", "bilibili" and "nacos". It fails
// on anything else, and on releases before v1.2.5 or after v2.0.6, whose
// arithmetic is not known here.
func ParseRelease(name string) (Release, error) {
	switch name {
	case "spring":
		return Spring, nil
	case "bilibili":
		return Bilibili, nil
	case "nacos":
		return Nacos, nil
	}
	version, ok := parseVersion(name)
	if ok && slices.Compare(version, lastRelease) <= 0 {
		for _, first := range firstOf {
			if slices.Compare(version, first.version) >= 0 {
				return first.family, nil
			}
		}
	}
	return 0, invalid("release", strconv.Quote(name), `must be "spring", "bilibili", "nacos" or an Eureka tag from v1.2.5 to v2.0.6`)
}

func parseVersion(tag string) (version []int, ok bool) {
	for part := range strings.SplitSeq(strings.TrimPrefix(tag, "v"), ".") {
		n, err := strconv.ParseUint(part, 10, 16)
		if err != nil || strconv.FormatUint(n, 10) != part {
			return nil, false
		}
		version = append(version, int(n))
	}
	return version, len(version) == 3
}
