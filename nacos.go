package leasekernel

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

// The metadata keys by which a Nacos client says how to treat its heartbeats,
// each a number of milliseconds.
const (
	// NacosIntervalKey is the pause between two heartbeats.
	NacosIntervalKey = "preserved.heart.beat.interval"
	// NacosTimeoutKey is the silence after which the instance is suspect.
	NacosTimeoutKey = "preserved.heart.beat.timeout"
	// NacosDeleteKey is the silence after which the instance is evicted.
	NacosDeleteKey = "preserved.ip.delete.timeout"
)

// What Nacos takes where the metadata say nothing, or nothing that counts.
const (
	nacosInterval = 5 * time.Second
	nacosTimeout  = 15 * time.Second
	nacosDelete   = 30 * time.Second
)

// NacosTerm returns the term that an instance's metadata ask for, by the rule of
// Nacos 1.4.2 (quirk N3): a value counts if it consists of the digits 0 to 9
// alone, also 0 and with leading zeros; what else is there, or nothing, means
// the default of 5 s, 15 s and 30 s. What no [time.Duration] holds, 292 years,
// becomes the longest that does.
//
// It fails on digits beyond Java's long, 9223372036854775807, naming each key.
// The original takes such an instance and then fails in every pass (quirk N4).
func NacosTerm(metadata map[string]string) (lease.Term, error) {
	var problems []error
	read := func(key string, missing time.Duration) time.Duration {
		value, err := nacosMillis(metadata, key, missing)
		problems = append(problems, err)
		return value
	}
	term := lease.Term{
		Interval: read(NacosIntervalKey, nacosInterval),
		Suspect:  read(NacosTimeoutKey, nacosTimeout),
		Duration: read(NacosDeleteKey, nacosDelete),
		Rule:     lease.Nacos,
	}
	if err := errors.Join(problems...); err != nil {
		return lease.Term{}, err
	}
	return term, nil
}

func nacosMillis(metadata map[string]string, key string, missing time.Duration) (time.Duration, error) {
	text := metadata[key]
	if !digits(text) {
		return missing, nil
	}
	millis, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %s is %s: must be at most %d", ErrInvalid, key, text, int64(math.MaxInt64))
	}
	const most = math.MaxInt64 / int64(time.Millisecond)
	return time.Duration(min(millis, most)) * time.Millisecond, nil
}

func digits(text string) bool {
	for _, r := range []byte(text) {
		if r < '0' || r > '9' {
			return false
		}
	}
	return text != ""
}
