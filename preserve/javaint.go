package preserve

import "math"

// JavaInt is Java's (int) cast of a double: it truncates toward zero, stops
// at the ends of an int, and makes NaN 0 (quirk T1). Go's own conversion
// leaves the last two cases to the processor.
func JavaInt(x float64) int32 { return truncated[int32](x, math.MinInt32, math.MaxInt32) }

// truncated is that cast for an integer with the given ends.
func truncated[T int32 | int64](x float64, least, most T) T {
	switch {
	case math.IsNaN(x):
		return 0
	case x >= float64(most):
		return most
	}
	return T(max(x, float64(least)))
}
