package lease

// keys are a chunk's keys. A key is set before the lease can be found and
// never again.
//
// Strings are the keys that most registries have, and keeping each of them
// apart costs a look-up one more wait for memory. So they are copied into
// cells, of half a cache line, or of a whole one if the chunk's first key needs
// it: no cell lies in two lines. A cell's last byte is the key's length. Longer
// keys are kept apart.
type keys[K comparable] struct {
	narrow []narrowCell // of all slots, if K is string
	wide   []wideCell   // instead of narrow ones
	plain  []K          // if K is not string; if it is, those of all slots once one is long
}

type (
	narrowCell [32]byte
	wideCell   [64]byte
)

// isLong is in the place of a key's length if it is kept apart.
const isLong = 255

// newKeys returns room for the keys of a chunk whose first one is given.
func newKeys[K comparable](slots int, first *K) keys[K] {
	text, ok := any(first).(*string)
	switch {
	case !ok:
		return keys[K]{plain: make([]K, slots)}
	case len(*text) >= len(narrowCell{}) && len(*text) < len(wideCell{}):
		return keys[K]{wide: make([]wideCell, slots)}
	}
	return keys[K]{narrow: make([]narrowCell, slots)}
}

// cell is a slot's, if K is string.
func (k *keys[K]) cell(slot uint32) []byte {
	if k.wide != nil {
		return k.wide[slot][:]
	}
	return k.narrow[slot][:]
}

func (k *keys[K]) set(slot uint32, key K) {
	if text, ok := any(&key).(*string); ok {
		cell := k.cell(slot)
		last := len(cell) - 1
		if len(*text) <= last {
			copy(cell, *text)
			cell[last] = byte(len(*text))
			return
		}
		cell[last] = isLong
	}
	if k.plain == nil {
		k.plain = make([]K, len(k.narrow)+len(k.wide))
	}
	k.plain[slot] = key
}

func (k *keys[K]) get(slot uint32) K {
	if k.narrow != nil || k.wide != nil {
		cell := k.cell(slot)
		if n := cell[len(cell)-1]; n != isLong {
			return any(string(cell[:n])).(K)
		}
	}
	return k.plain[slot]
}

// equal is where a renewal spends most of its instructions: the sizes of arrays
// spare it the arithmetic of slices.
func (k *keys[K]) equal(slot uint32, key *K) bool {
	if text, ok := any(key).(*string); ok {
		if int(slot) < len(k.narrow) {
			if cell := &k.narrow[slot]; cell[len(cell)-1] != isLong {
				return int(cell[len(cell)-1]) == len(*text) && string(cell[:len(*text)]) == *text
			}
		} else if cell := &k.wide[slot]; cell[len(cell)-1] != isLong {
			return int(cell[len(cell)-1]) == len(*text) && string(cell[:len(*text)]) == *text
		}
	}
	return k.plain[slot] == *key
}

// touch asks for the memory of a key. What it returns means nothing.
func (k *keys[K]) touch(slot uint32) bool {
	if k.narrow != nil || k.wide != nil {
		return k.cell(slot)[0] == 0
	}
	var zero K
	return k.plain[slot] == zero
}
