package script

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Keys are one key, or those of a range that differ in their last number, such
// as orders-1..orders-20.
type Keys struct {
	Prefix      string // the key itself, unless Ranged
	First, Last int    // if Ranged
	Ranged      bool
}

// mostKeys keeps a slip of the finger from taking all memory.
const mostKeys = 100_000

// String returns the keys as they stand in a script.
func (k Keys) String() string {
	if !k.Ranged {
		return k.Prefix
	}
	return numbered(k.Prefix, k.First) + ".." + numbered(k.Prefix, k.Last)
}

// All returns every key, in the order of their numbers.
func (k Keys) All() []string {
	if !k.Ranged {
		return []string{k.Prefix}
	}
	var all []string
	for number := k.First; number <= k.Last; number++ {
		all = append(all, numbered(k.Prefix, number))
	}
	return all
}

func parseKeys(word string) (Keys, error) {
	if strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return Keys{}, invalid("key", word, "must be printable characters")
	}
	first, last, ranged := strings.Cut(word, "..")
	if !ranged {
		return Keys{Prefix: word}, nil
	}
	prefix, from, ok := splitNumber(first)
	again, to, okToo := splitNumber(last)
	switch {
	case !ok || !okToo || prefix != again:
		return Keys{}, invalid("keys", word, "must be one key, or a range of keys that differ in their last number, written without leading zeros, such as orders-1..orders-20")
	case from > to:
		return Keys{}, invalid("keys", word, "must be a range whose second number is not below the first")
	case to-from >= mostKeys:
		return Keys{}, invalid("keys", word, fmt.Sprintf("must be at most %d keys", mostKeys))
	}
	return Keys{Prefix: prefix, First: from, Last: to, Ranged: true}, nil
}

// splitNumber divides a key from the number that it ends in, if it ends in
// one that is written without leading zeros.
func splitNumber(key string) (prefix string, number int, ok bool) {
	prefix = strings.TrimRight(key, "0123456789")
	number, err := strconv.Atoi(key[len(prefix):])
	return prefix, number, err == nil && numbered(prefix, number) == key
}

func numbered(prefix string, number int) string { return prefix + strconv.Itoa(number) }

// mostNamed is how many keys and ranges a sentence names.
const mostNamed = 12

// names lists keys for a sentence, each once, in the order of their numbers,
// with neighbours put together as ranges.
func names(keys []string) string {
	var ranges []Keys
	for _, key := range inOrder(keys) {
		prefix, number, ok := splitNumber(key)
		if !ok {
			ranges = append(ranges, Keys{Prefix: key})
			continue
		}
		if last := len(ranges) - 1; last >= 0 && ranges[last].Ranged && ranges[last].Prefix == prefix && ranges[last].Last == number-1 {
			ranges[last].Last = number
			continue
		}
		ranges = append(ranges, Keys{Prefix: prefix, First: number, Last: number, Ranged: true})
	}
	return joined(ranges)
}

func joined(ranges []Keys) string {
	var words []string
	for i, keys := range ranges {
		if i == mostNamed {
			return fmt.Sprintf("%s and %d more", strings.Join(words, ", "), sizeOf(ranges[i:]))
		}
		if keys.Ranged && keys.First == keys.Last {
			keys = Keys{Prefix: numbered(keys.Prefix, keys.First)}
		}
		words = append(words, keys.String())
	}
	return strings.Join(words, ", ")
}

func sizeOf(ranges []Keys) int {
	size := 0
	for _, keys := range ranges {
		size += keys.Last - keys.First + 1 // 1 of a single key
	}
	return size
}

// inOrder returns the keys, each once, with orders-9 before orders-10.
func inOrder(keys []string) []string {
	keys = slices.Clone(keys)
	slices.SortFunc(keys, func(a, b string) int {
		prefixA, numberA := sortable(a)
		prefixB, numberB := sortable(b)
		return cmp.Or(cmp.Compare(prefixA, prefixB), cmp.Compare(numberA, numberB))
	})
	return slices.Compact(keys)
}

func sortable(key string) (prefix string, number int) {
	if prefix, number, ok := splitNumber(key); ok {
		return prefix, number
	}
	return key, -1
}
