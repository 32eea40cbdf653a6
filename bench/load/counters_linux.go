package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// counters are what the processor counts of a thread, by the name of the
// metric. What a cache miss is differs between processors: to AMD's it is one
// of the second level.
var counters = map[string]uint64{
	"instructions/op":  unix.PERF_COUNT_HW_INSTRUCTIONS,
	"cache-misses/op":  unix.PERF_COUNT_HW_CACHE_MISSES,
	"branch-misses/op": unix.PERF_COUNT_HW_BRANCH_MISSES,
}

// count lets one thread do work and returns what the processor counted, for
// each call.
func count(calls int, work func(goroutine, calls int)) (counted map[string]float64, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fds := make(map[string]int, len(counters))
	defer func() {
		for _, fd := range fds {
			err = errors.Join(err, unix.Close(fd))
		}
	}()
	for metric, event := range counters {
		if fds[metric], err = openCounter(event); err != nil {
			delete(fds, metric)
			return nil, fmt.Errorf("counting %s: %w", metric, err)
		}
	}
	work(0, calls)
	counted = make(map[string]float64, len(fds))
	for metric, fd := range fds {
		n, err := readCounter(fd)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", metric, err)
		}
		counted[metric] = float64(n) / float64(calls)
	}
	return counted, nil
}

// openCounter counts an event of this thread, outside the operating system,
// from now on.
func openCounter(event uint64) (fd int, err error) {
	return unix.PerfEventOpen(&unix.PerfEventAttr{
		Type:   unix.PERF_TYPE_HARDWARE,
		Size:   uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Config: event,
		Bits:   unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv,
	}, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
}

func readCounter(fd int) (uint64, error) {
	var read [8]byte
	if _, err := unix.Read(fd, read[:]); err != nil {
		return 0, err
	}
	return binary.NativeEndian.Uint64(read[:]), nil
}
