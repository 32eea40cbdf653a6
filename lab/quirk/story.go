package quirk

import (
	"slices"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel/preserve"
)

// t0 is when most stories begin: 14 November 2023, 22:13:20 UTC.
var t0 = time.UnixMilli(1_700_000_000_000)

// at is an instant of a story.
func at(since time.Duration) time.Time { return t0.Add(since) }

// span is a range of releases that agree.
type span struct {
	name     string
	families []preserve.Release
}

var (
	everyRelease   = span{"eureka", []preserve.Release{preserve.EurekaV1_2_5, preserve.EurekaV1_3_0, preserve.EurekaV1_4_9, preserve.EurekaV1_9_3, preserve.EurekaV1_9_4, preserve.EurekaV1_9_17}}
	v1_2_5         = span{"v1.2.5", everyRelease.families[:1]}
	upTo1_4_8      = span{"v1.2.5 - v1.4.8", everyRelease.families[:2]}
	upTo1_4_10     = span{"v1.2.5 - v1.4.10", everyRelease.families[:3]}
	upTo1_9_2      = span{"v1.2.5 - v1.9.2", everyRelease.families[:3]}
	upTo1_9_3      = span{"v1.2.5 - v1.9.3", everyRelease.families[:4]}
	v1_4_9to1_9_3  = span{"v1.4.9 - v1.9.3", everyRelease.families[2:4]}
	v1_4_9to1_9_16 = span{"v1.4.9 - v1.9.16", everyRelease.families[2:5]}
	v1_9_4to1_9_16 = span{"v1.9.4 - v1.9.16", everyRelease.families[4:5]}
	from1_3_0      = span{"v1.3.0 - v2.0.6", everyRelease.families[1:]}
	from1_4_9      = span{"v1.4.9 - v2.0.6", everyRelease.families[2:]}
	from1_4_11     = span{"v1.4.11 - v2.0.6", everyRelease.families[2:]}
	from1_9_3      = span{"v1.9.3 - v2.0.6", everyRelease.families[3:]}
	from1_9_4      = span{"v1.9.4 - v2.0.6", everyRelease.families[4:]}
	from1_9_17     = span{"v1.9.17 - v2.0.6", everyRelease.families[5:]}
	spring         = span{"spring", []preserve.Release{preserve.Spring}}
	bilibili       = span{"bilibili", []preserve.Release{preserve.Bilibili}}
)

// fact is the fact of all releases in the span. Its value is the one that
// each of them comes to, or all values if they differ.
func (s span) fact(documented string, story func(preserve.Release) string) Fact {
	return Fact{Rule: s.name, Documented: documented, Observe: func() string {
		var values []string
		for _, release := range s.families {
			if value := story(release); !slices.Contains(values, value) {
				values = append(values, value)
			}
		}
		return strings.Join(values, " or ")
	}}
}

// check is for what a story takes for granted: an error in it is a mistake in
// the story.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

// accepted is for what a story is about.
func accepted(err error) string {
	if err != nil {
		return "refused"
	}
	return "accepted"
}
