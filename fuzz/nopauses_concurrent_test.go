//go:build !interleave

package fuzz

import "testing"

// Without the tag interleave steps pause when the scheduler has them do so.
func setWeather(uint64)  {}
func pausing(*testing.T) {}
