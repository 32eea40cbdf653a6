package interleave

import "unsafe"

// A kind is what an operation does.
type kind uint8

const (
	load kind = iota
	store
	swap
	add
	and
	cas
	lock
	trylock
	unlock
	spin
	began
	returned
	kinds
)

var kindNames = [kinds]string{"load", "store", "swap", "add", "and", "cas", "lock", "trylock", "unlock", "spin", "begin", "return"}

func (k kind) String() string { return kindNames[k] }

func kindOf(operation string) kind {
	for k, name := range kindNames {
		if name == operation {
			return kind(k)
		}
	}
	panic("interleave: unknown operation " + operation)
}

// An operation is what a thread does to a word, or is about to do.
type operation struct {
	kind kind
	word unsafe.Pointer
	at   int // the word's location
}

// A class is what later operations on the same word depend on.
type class uint8

const (
	quiet class = iota // what only looks, and the beginning of a call
	loud               // all else
	classes
)

func (k kind) class(failed bool) class {
	if k == load || k == spin || k == began || failed {
		return quiet
	}
	return loud
}

// A relation says on which classes of earlier operations on the same word an
// operation of each kind depends.
type relation [kinds][classes]bool

// dependence is the true one: what looks depends on what writes, and what
// writes on all. A call that begins depends on those that have returned.
func dependence() *relation {
	r := new(relation)
	for kind := range r {
		r[kind] = [classes]bool{quiet: true, loud: true}
	}
	r[load] = [classes]bool{loud: true}
	r[spin] = [classes]bool{loud: true}
	r[began] = [classes]bool{loud: true}
	r[returned] = [classes]bool{quiet: true}
	return r
}

// on is what an operation depends on; one that failed has only looked.
func (r *relation) on(k kind, failed bool) *[classes]bool {
	if failed {
		k = load
	}
	return &r[k]
}
