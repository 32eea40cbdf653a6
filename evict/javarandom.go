package evict

import "math"

// JavaRandom is java.util.Random to the bit: the linear congruential
// generator of 48 bits that Java's API documentation specifies. The zero
// value is the generator of seed 0x5DEECE66D. It is not safe for concurrent
// use, and not for secrets.
type JavaRandom struct{ state uint64 }

const (
	javaMultiplier = 0x5DEECE66D
	javaAddend     = 0xB
	javaMask       = 1<<48 - 1
)

// NewJavaRandom returns the generator that new Random(seed) makes. Eureka
// makes one a pass, seeded with the wall clock's milliseconds (quirk E3).
func NewJavaRandom(seed int64) *JavaRandom {
	r := new(JavaRandom)
	r.Seed(seed)
	return r
}

// Seed puts the generator in the state that new Random(seed) starts in.
func (r *JavaRandom) Seed(seed int64) {
	r.state = (uint64(seed) ^ javaMultiplier) & javaMask
}

// next returns the top bits of the 48-bit state, sign included at 32.
func (r *JavaRandom) next(bits uint) int32 {
	r.state = (r.state*javaMultiplier + javaAddend) & javaMask
	return int32(r.state >> (48 - bits))
}

// Int32 returns what nextInt() does: any int32.
func (r *JavaRandom) Int32() int32 { return r.next(32) }

// Intn returns what nextInt(n) does: a number in [0, n). Java accepts n from
// 1 to 2147483647 and throws outside; Intn then draws nothing and returns -1,
// as a nil generator does.
func (r *JavaRandom) Intn(n int) int {
	if r == nil || n <= 0 || n > math.MaxInt32 {
		return -1
	}
	bound := int32(n)
	drawn := r.next(31)
	if bound&(bound-1) == 0 { // a power of two takes the high bits
		return int(int64(bound) * int64(drawn) >> 31)
	}
	// Numbers of the last, incomplete multiple of bound are rejected. Java
	// finds them by letting the sum below overflow an int.
	rest := drawn % bound
	for drawn-rest+(bound-1) < 0 {
		drawn = r.next(31)
		rest = drawn % bound
	}
	return int(rest)
}
