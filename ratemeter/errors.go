package ratemeter

import (
	"errors"
	"fmt"
)

// ErrInvalid is wrapped by every error about an argument.
var ErrInvalid = errors.New("ratemeter: invalid argument")

func invalid(field string, value any, rule string) error {
	return fmt.Errorf("%w: %s is %v: %s", ErrInvalid, field, value, rule)
}

// Errors of [MeasuredRate.Start], each but ErrFractionalInterval an exception
// of the original's java.util.Timer. They come wrapped with the value that
// caused them, and those that are about an argument with [ErrInvalid] too.
var (
	// ErrNegativeDelay: the interval is below zero (Java: "Negative delay.").
	ErrNegativeDelay = errors.New("must not be negative")
	// ErrNonPositivePeriod: the interval is zero (Java: "Non-positive period.").
	ErrNonPositivePeriod = errors.New("must not be zero")
	// ErrFractionalInterval: the interval is not a whole number of
	// milliseconds, which the original cannot express.
	ErrFractionalInterval = errors.New("must be whole milliseconds")
	// ErrIllegalExecutionTime: the first firing would lie before the Unix
	// epoch (Java: "Illegal execution time.").
	ErrIllegalExecutionTime = errors.New("must not fire before the Unix epoch")
	// ErrTimerCancelled: the meter was stopped, for good (Java: "Timer already
	// cancelled.", quirk R4).
	ErrTimerCancelled = errors.New("timer already cancelled")
)
