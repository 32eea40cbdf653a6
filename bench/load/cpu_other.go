//go:build !unix

package load

import "time"

// processorTime is not known here: loads and what is measured by it are 0.
func processorTime() time.Duration { return 0 }
