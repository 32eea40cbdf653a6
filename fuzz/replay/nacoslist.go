package replay

import (
	"slices"
	"strings"
	"time"
)

// nacosList is the instances of a service of one sort: the ephemeral ones, or
// the persistent ones, whose leases no pass looks at (quirk N19).
type nacosList struct {
	kernel *nacosKernel
	order  []nacosKey // in which the original goes through them
}

// keys are those of all instances, in an order of their own.
func (l *nacosList) keys() []nacosKey {
	var keys []nacosKey
	for key := range l.kernel.All() {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b nacosKey) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

// adopt takes over an order if it is one of all the instances.
func (l *nacosList) adopt(names []string, name func(nacosKey) string) bool {
	byName := make(map[string]nacosKey)
	for key := range l.kernel.All() {
		byName[name(key)] = key
	}
	order := make([]nacosKey, 0, len(names))
	for _, name := range names {
		key, ok := byName[name]
		if !ok {
			return false
		}
		delete(byName, name)
		order = append(order, key)
	}
	if len(byName) > 0 {
		return false
	}
	l.order = order
	return true
}

// settle makes the order one of all the instances: what has left is left out,
// what is not in it comes last.
func (l *nacosList) settle() {
	order := slices.DeleteFunc(slices.Clone(l.order), func(key nacosKey) bool {
		_, ok := l.kernel.Get(key)
		return !ok
	})
	for _, key := range l.keys() {
		if !slices.Contains(order, key) {
			order = append(order, key)
		}
	}
	l.order = order
}

// place is where the original comes to an instance.
func (l *nacosList) place(key nacosKey) int { return slices.Index(l.order, key) }

// firstOf is the place of the first instance for which the condition holds,
// the end if there is none.
func (l *nacosList) firstOf(holds func(nacosSnapshot) bool) int {
	for i, key := range l.order {
		if instance, ok := l.kernel.Get(key); ok && holds(instance) {
			return i
		}
	}
	return len(l.order)
}

// sharesAddresses reports whether one address is there in two clusters.
func (l *nacosList) sharesAddresses() bool {
	addresses := make(map[nacosAddress]bool)
	for key := range l.kernel.All() {
		addresses[key.nacosAddress] = true
	}
	return len(addresses) < l.kernel.Len()
}

// mergeAddresses does what every write of a service begins with: health and
// last beat are kept by address, so that those of the last instance become
// those of all at its address, marked or not, in whatever cluster (quirk N9).
func (l *nacosList) mergeAddresses(now time.Time) {
	last := make(map[nacosAddress]nacosSnapshot)
	for _, key := range l.order {
		if instance, ok := l.kernel.Get(key); ok {
			last[key.nacosAddress] = instance
		}
	}
	for _, key := range l.order {
		if from, ok := last[key.nacosAddress]; ok && from.Key() != key {
			l.copyState(now, key, from)
		}
	}
	l.kernel.Rotate(now) // nobody is told
}

// copyState gives an instance another's health and last beat. The kernel would
// leave alone what is exempt.
func (l *nacosList) copyState(now time.Time, key nacosKey, from nacosSnapshot) {
	instance, ok := l.kernel.Get(key)
	if !ok {
		return
	}
	l.kernel.Exempt(key, false)
	l.kernel.Renew(from.LastRenewal(), key)
	if from.Suspected() {
		l.kernel.Suspect(now, key)
	}
	l.kernel.Exempt(key, instance.Exempt())
}
