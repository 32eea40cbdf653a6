package evict

import (
	"errors"
	"math"
	"math/bits"
)

// billion is the resolution of Limit's percent.
const billion = 1e9

// Limit returns how many of size leases one pass may evict if the fraction
// percent of them has to stay: size minus the whole part of size * percent.
// At least one lease may go if size is above 0 and percent, to nine digits,
// below 1.
//
// Percent is read as the decimal number that was written, to nine digits, and
// multiplied as an integer. So 0.29 of 100 is 29, where floating point makes
// it 28.999 and Eureka evicts one lease more (quirk E1).
//
// It fails, naming all problems, if size is negative or percent is not a
// number from 0 to 1.
func Limit(size int, percent float64) (int, error) {
	var problems []error
	if size < 0 {
		problems = append(problems, invalid("size", size, "must not be negative"))
	}
	if !(percent >= 0 && percent <= 1) {
		problems = append(problems, invalid("percent", percent, "must be a number from 0 to 1"))
	}
	if err := errors.Join(problems...); err != nil {
		return 0, err
	}
	hi, lo := bits.Mul64(uint64(size), uint64(math.Round(percent*billion)))
	kept, _ := bits.Div64(hi, lo, billion)
	return size - int(kept), nil
}

// EurekaLimit returns Eureka's limit for one pass (v1.3.0 and later): size
// minus kept, where kept is (int)(size * percent) as computed by
// preserve.Calculator.Keep.
//
// As in the original a kept above size gives a negative limit, which evicts
// nothing, a negative one gives a limit above size, and the subtraction
// overflows at 32 bits (quirk E2).
func EurekaLimit(size, kept int32) int32 { return size - kept }
