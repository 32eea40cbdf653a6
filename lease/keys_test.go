package lease_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/leasekernel/leasekernel/lease"
)

type zone string

type instance struct {
	zone   zone
	number int
}

func mapped[T, K any](of func(T) K, from ...T) (to []K) {
	for _, one := range from {
		to = append(to, of(one))
	}
	return to
}

// Strings are kept in three ways: up to 31 bytes, up to 63, and longer. The
// edges of each, and strings that differ only where one of them looks.
func strangeStrings() []string {
	keys := []string{"", "a", "\x00", "a\x00", "ä", "key"}
	for _, length := range []int{30, 31, 32, 33, 62, 63, 64, 65, 254, 255, 256, 300} {
		same := strings.Repeat("x", length)
		keys = append(keys, same, same[1:]+"y", "y"+same[1:], same[:length-1]+"\x00", same[:length-1]+"\xff")
	}
	return keys
}

func TestKeysOfAllKinds(t *testing.T) {
	numbers := make([]uint64, 1000)
	for i := range numbers {
		numbers[i] = uint64(i) << (i % 50)
	}
	t.Run("string", func(t *testing.T) { checkKeys(t, strangeStrings()) })
	// A chunk's first key decides how wide its cells are.
	for _, length := range []int{31, 32, 36, 63, 64, 99} {
		t.Run(fmt.Sprintf("string after one of %d bytes", length), func(t *testing.T) {
			checkKeys(t, append([]string{strings.Repeat("z", length)}, strangeStrings()...))
		})
	}
	t.Run("named string", func(t *testing.T) {
		checkKeys(t, mapped(func(s string) zone { return zone(s) }, strangeStrings()...))
	})
	t.Run("number", func(t *testing.T) { checkKeys(t, numbers) })
	t.Run("bool", func(t *testing.T) { checkKeys(t, []bool{false, true}) })
	t.Run("array", func(t *testing.T) {
		checkKeys(t, mapped(func(n uint64) [16]byte { return [16]byte{0: byte(n), 1: byte(n >> 8), 15: byte(n >> 16)} }, 0, 1, 1<<8, 1<<16))
	})
	t.Run("struct", func(t *testing.T) {
		checkKeys(t, []instance{{}, {"a", 1}, {"a", 2}, {"b", 1}, {zone(strings.Repeat("x", 40)), 1}})
	})
	t.Run("interface", func(t *testing.T) {
		checkKeys(t, []any{nil, 1, int64(1), "1", zone("1"), instance{"a", 1}, 1.5, [2]string{"a", "b"}})
	})
	t.Run("nothing", func(t *testing.T) { checkKeys(t, []struct{}{{}}) })
}

// checkKeys registers all keys, which differ and may occur once more, cancels
// every third and looks for each in every way, before and after all have moved.
func checkKeys[K comparable](t *testing.T, keys []K) {
	leases, err := lease.NewTable[K, int](t0, lease.TableConfig{})
	if err != nil {
		t.Fatal(err)
	}
	holders := make(map[K]int)
	for i, key := range keys {
		granted, err := leases.Register(t0, key, i, exact90)
		equal(t, "error", err, nil)
		equal(t, "Key", granted.Lease.Key(), key)
		_, again := holders[key]
		equal(t, "Again", granted.Again, again)
		holders[key] = i
	}
	for _, key := range keys[:len(keys)/3] {
		_, known := holders[key]
		_, ok := leases.Cancel(key)
		equal(t, "Cancel", ok, known)
		delete(holders, key)
	}
	for range 2 {
		checkHolders(t, leases, keys, holders)
		leases.MoveAll()
	}
}

func checkHolders[K comparable](t *testing.T, leases *lease.Table[K, int], keys []K, holders map[K]int) {
	t.Helper()
	for _, key := range keys {
		holder, known := holders[key]
		seen, ok := leases.Get(key)
		equal(t, fmt.Sprintf("Get(%v)", key), ok, known)
		equal(t, "Renew", leases.Renew(at(time.Second), key), known)
		if ok {
			equal(t, "Key", seen.Key(), key)
			equal(t, "Holder", seen.Holder(), holder)
		}
	}
	met := 0
	for key, seen := range leases.All() {
		equal(t, "Holder", seen.Holder(), holders[key])
		met++
	}
	equal(t, "met", met, len(holders))
	equal(t, "Len", leases.Len(), len(holders))
}

// A NaN could be registered and never be found again.
func TestKeysMustEqualThemselves(t *testing.T) {
	floats, err := lease.NewTable[float64, string](t0, lease.TableConfig{})
	equal(t, "error", err, nil)
	_, err = floats.Register(t0, math.NaN(), "holder", exact90)
	namesProblems(t, err, "key is NaN: must equal itself")
	_, err = floats.Register(t0, math.NaN(), "holder", lease.Term{})
	namesProblems(t, err, "key is NaN", "Duration is", "Interval is")
	equal(t, "Len", floats.Len(), 0)
	equal(t, "Renew", floats.Renew(t0, math.NaN()), false)

	anything, err := lease.NewTable[any, string](t0, lease.TableConfig{})
	equal(t, "error", err, nil)
	_, err = anything.Register(t0, math.NaN(), "holder", exact90)
	namesProblems(t, err, "key is NaN: must equal itself")
}

func TestEqualKeysThatLookDifferent(t *testing.T) {
	floats, err := lease.NewTable[float64, string](t0, lease.TableConfig{})
	equal(t, "error", err, nil)
	_, err = floats.Register(t0, 0, "holder", exact90)
	equal(t, "error", err, nil)
	equal(t, "Renew", floats.Renew(t0, math.Copysign(0, -1)), true)
}

// The index becomes larger several times, and everything is found each time.
func TestGrowthLosesNobody(t *testing.T) {
	leases, err := lease.NewTable[int, int](t0, lease.TableConfig{})
	equal(t, "error", err, nil)
	for key := range 1 << 15 {
		granted, err := leases.Register(t0, key, -key, exact90)
		if err != nil || granted.Again {
			t.Fatalf("%d: got again %v and error %v, want a new lease", key, granted.Again, err)
		}
		if key&(key-1) != 0 {
			continue
		}
		for known := range key + 1 {
			if seen, ok := leases.Get(known); !ok || seen.Holder() != -known {
				t.Fatalf("%d among %d: got %v, want its lease", known, key, ok)
			}
		}
		if _, ok := leases.Get(key + 1); ok {
			t.Fatalf("%d among %d: got a lease, want none", key+1, key)
		}
	}
}
