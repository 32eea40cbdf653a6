package interleave

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// A Failure is a schedule whose outcome is wrong.
type Failure struct {
	// Err is what is wrong.
	Err error
	// Schedule has a line for each step: the thread, what it does, and where.
	Schedule []string
}

// Error returns what is wrong, and the schedule.
func (f *Failure) Error() string {
	return fmt.Sprintf("%v, if the steps come like this:\n%s", f.Err, strings.Join(f.Schedule, "\n"))
}

// Unwrap returns what is wrong.
func (f *Failure) Unwrap() error { return f.Err }

// explain runs the schedule that failed once more and writes it down.
func (x *Explorer) explain(err error) *Failure {
	x.run.tracing = true
	defer func() { x.run.tracing = false }()
	if again := x.execute(); again == nil || again.Error() != err.Error() {
		err = fmt.Errorf("%w; and run again: %v", err, again)
	}
	return &Failure{Err: err, Schedule: x.run.lines}
}

// caller returns the function and the line that takes the step: the first that
// is neither this package's nor a method of the words themselves.
func caller() string {
	var callers [16]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers[:])])
	for {
		frame, more := frames.Next()
		file, function := filepath.Base(frame.File), filepath.Base(frame.Function)
		own := strings.HasPrefix(function, "interleave.") || file == "atomics_interleave.go" || strings.Contains(function, ".(*atomic")
		if !own || !more {
			return fmt.Sprintf("%s (%s:%d)", function, file, frame.Line)
		}
	}
}
