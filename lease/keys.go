package lease

// keys are a chunk's keys. A key is set before the lease can be found and
// never again.
//
// Strings are the keys that most registries have, and keeping each of them
// apart costs a look-up one more wait for memory. So they are copied into
// cells: of half a cache line, or of a whole one if the chunk's first key needs
// it, so that no cell lies in two lines. Longer ones are kept apart.
type keys[K comparable] struct {
	cells []byte // if K is string: a cell for each slot, its last byte the length
	shift uint8  // log2 of a cell's size
	plain []K    // else; if K is string, those of all slots once one is long
}

const (
	narrowShift = 5
	wideShift   = 6
	isLong      = 255 // instead of a length: the string is kept apart
)

// newKeys returns room for the keys of a chunk whose first one is given.
func newKeys[K comparable](slots int, first *K) keys[K] {
	text, ok := any(first).(*string)
	if !ok {
		return keys[K]{plain: make([]K, slots)}
	}
	shift := uint8(narrowShift)
	if len(*text) >= 1<<narrowShift && len(*text) < 1<<wideShift {
		shift = wideShift
	}
	return keys[K]{cells: make([]byte, slots<<shift), shift: shift}
}

func (k *keys[K]) cell(slot uint32) []byte {
	return k.cells[int(slot)<<k.shift:][:1<<k.shift]
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
		k.plain = make([]K, len(k.cells)>>k.shift)
	}
	k.plain[slot] = key
}

func (k *keys[K]) get(slot uint32) K {
	if k.cells != nil {
		cell := k.cell(slot)
		if n := cell[len(cell)-1]; n != isLong {
			return any(string(cell[:n])).(K)
		}
	}
	return k.plain[slot]
}

func (k *keys[K]) equal(slot uint32, key *K) bool {
	if text, ok := any(key).(*string); ok {
		cell := k.cell(slot)
		if n := int(cell[len(cell)-1]); n != isLong {
			return n == len(*text) && string(cell[:n]) == *text
		}
	}
	return k.plain[slot] == *key
}

// touch asks for the memory of a key. What it returns means nothing.
func (k *keys[K]) touch(slot uint32) bool {
	if k.cells != nil {
		return k.cells[int(slot)<<k.shift] == 0
	}
	var zero K
	return k.plain[slot] == zero
}
