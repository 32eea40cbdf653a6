//go:build !linux

package load

import "errors"

// count cannot ask the processor here.
func count(int, func(goroutine, calls int)) (map[string]float64, error) {
	return nil, errors.ErrUnsupported
}
