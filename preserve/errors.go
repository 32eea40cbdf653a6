package preserve

import (
	"errors"
	"fmt"
)

// ErrInvalid is wrapped by every error of this package.
var ErrInvalid = errors.New("preserve: invalid argument")

func invalid(field string, value any, rule string) error {
	return fmt.Errorf("%w: %s is %v: %s", ErrInvalid, field, value, rule)
}
