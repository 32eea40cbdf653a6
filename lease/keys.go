package lease

// keys are a chunk's keys. A key is set before the lease can be found and
// never again.
//
// Strings are the keys that most registries have, and keeping each of them
// apart costs a look-up one more wait for memory. So short ones are copied
// into the column.
type keys[K comparable] struct {
	short []shortString // if K is string
	plain []K           // else; if K is string, those of all slots once there is a long one
}

func newKeys[K comparable](slots int) keys[K] {
	if _, ok := any((*K)(nil)).(*string); ok {
		return keys[K]{short: make([]shortString, slots)}
	}
	return keys[K]{plain: make([]K, slots)}
}

func (k *keys[K]) set(slot uint32, key K) {
	if text, ok := any(&key).(*string); ok && k.short[slot].set(*text) {
		return
	}
	if k.plain == nil {
		k.plain = make([]K, len(k.short))
	}
	k.plain[slot] = key
}

func (k *keys[K]) get(slot uint32) K {
	if k.short == nil || k.short[slot].length() == isLong {
		return k.plain[slot]
	}
	return any(k.short[slot].get()).(K)
}

// touch loads a part of a key.
func (k *keys[K]) touch(slot uint32) byte {
	if k.short != nil {
		return k.short[slot][0]
	}
	var zero K
	if k.plain[slot] == zero {
		return 1
	}
	return 0
}

func (k *keys[K]) equal(slot uint32, key *K) bool {
	if text, ok := any(key).(*string); ok && k.short[slot].length() != isLong {
		return k.short[slot].equal(*text)
	}
	return k.plain[slot] == *key
}

// A shortString is a string of up to 31 bytes and its length: half a cache
// line, so that it never lies in two.
type shortString [shortLength + 1]byte

const (
	shortLength = 31
	isLong      = 255 // instead of a length: the string is kept apart
)

func (s *shortString) length() int { return int(s[shortLength]) }

// set takes a string over, unless it is long.
func (s *shortString) set(text string) bool {
	if len(text) > shortLength {
		s[shortLength] = isLong
		return false
	}
	copy(s[:], text)
	s[shortLength] = byte(len(text))
	return true
}

func (s *shortString) get() string { return string(s[:s.length()]) }

func (s *shortString) equal(text string) bool {
	n := s.length()
	return n == len(text) && string(s[:n]) == text
}
