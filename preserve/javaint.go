package preserve

import "math"

// JavaInt is Java's (int) cast of a double: it truncates toward zero, stops
// at the ends of an int, and makes NaN 0 (quirk T1). Go's own conversion
// leaves the last two cases to the processor.
func JavaInt(x float64) int32 {
	switch {
	case math.IsNaN(x):
		return 0
	case x >= math.MaxInt32:
		return math.MaxInt32
	case x <= math.MinInt32:
		return math.MinInt32
	}
	return int32(x)
}

// saturated is the same for 64 bits: where Go leaves a conversion to the
// processor, all processors shall agree.
func saturated(x float64) int64 {
	switch {
	case math.IsNaN(x):
		return 0
	case x >= math.MaxInt64:
		return math.MaxInt64
	case x <= math.MinInt64:
		return math.MinInt64
	}
	return int64(x)
}
