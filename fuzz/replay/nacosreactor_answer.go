package replay

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/leasekernel/leasekernel/heartbeat"
)

// readAnswer reads an answer to a beat as the client's Jackson does, which
// makes a number or a truth value of anything (quirk N28). It is not usable if
// it is no object or has no interval (quirk N27).
func readAnswer(text string) (answer heartbeat.BeatAnswer, usable bool, err error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return answer, false, fmt.Errorf("answer %q: %w", text, err)
	}
	fields, _ := value.(map[string]any)
	interval, usable := fields["clientBeatInterval"]
	return heartbeat.BeatAnswer{
		Code:           int(asInt(fields["code"])),
		IntervalMillis: asLong(interval),
		Light:          asBoolean(fields["lightBeatEnabled"]),
	}, usable, nil
}

// asLong is JsonNode.asLong.
func asLong(value any) int64 { return asNumber(value, math.MinInt64, math.MaxInt64) }

// asInt is JsonNode.asInt.
func asInt(value any) int32 { return int32(asNumber(value, math.MinInt32, math.MaxInt32)) }

// asNumber is a number of the given range: a whole number is left to wrap, a
// fraction is cut to the range.
func asNumber(value any, least, most int64) int64 {
	switch value := value.(type) {
	case bool:
		return recordedAs(value)
	case json.Number:
		if n, ok := new(big.Int).SetString(value.String(), 10); ok {
			return wrapped(n)
		}
		return truncated(parseDouble(value.String()), least, most)
	case string:
		return parseAs(value, least, most)
	}
	return 0
}

// asBoolean is JsonNode.asBoolean.
func asBoolean(value any) bool {
	switch value := value.(type) {
	case bool:
		return value
	case json.Number: // a fraction is never true
		n, ok := new(big.Int).SetString(value.String(), 10)
		return ok && n.Sign() != 0
	case string:
		return trim(value) == "true"
	}
	return false
}

// wrapped is BigInteger.longValue: the low 64 bits.
func wrapped(n *big.Int) int64 {
	low := new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64))
	return int64(low.Uint64())
}

// parseAs is NumberInput.parseAsInt and parseAsLong: digits must be in range,
// other numbers are cut to it, and any other text is 0.
func parseAs(text string, least, most int64) int64 {
	text = strings.TrimPrefix(trim(text), "+")
	if digits.MatchString(strings.TrimPrefix(text, "-")) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < least || n > most {
			return 0
		}
		return n
	}
	number := decimal.FindStringSubmatch(trim(text))
	if number == nil {
		return 0
	}
	return truncated(parseDouble(number[1]), least, most)
}

// decimal is what Double.parseDouble reads, but for hexadecimal and NaN.
var decimal = regexp.MustCompile(`^([+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?))[dDfF]?$`)

// parseDouble is Double.parseDouble: infinite if out of range, which is the
// only error that is possible here.
func parseDouble(text string) float64 {
	x, _ := strconv.ParseFloat(text, 64)
	return x
}

// truncated is Java's cast of a double to an integer.
func truncated(x float64, least, most int64) int64 {
	switch {
	case x >= float64(most):
		return most
	case x <= float64(least):
		return least
	}
	return int64(x)
}

// trim is String.trim.
func trim(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return r <= ' ' })
}
