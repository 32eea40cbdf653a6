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
// metric.
var counters = map[string]uint64{
	"instructions/op":  unix.PERF_COUNT_HW_INSTRUCTIONS,
	"cache-misses/op":  unix.PERF_COUNT_HW_CACHE_MISSES,
	"branch-misses/op": unix.PERF_COUNT_HW_BRANCH_MISSES,
}

// count does work on one thread, after having done it once to warm up, and
// returns what the processor counted, for each call.
func count(work func(goroutine, calls int)) (map[string]float64, error) {
	const calls = 1 << 20
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	work(0, calls)
	counted := make(map[string]float64, len(counters))
	for metric, event := range counters {
		n, err := countOne(event, func() { work(0, calls) })
		if err != nil {
			return nil, fmt.Errorf("counting %s: %w", metric, err)
		}
		counted[metric] = float64(n) / calls
	}
	return counted, nil
}

// countOne counts an event of this thread, outside the operating system.
func countOne(event uint64, work func()) (n uint64, err error) {
	attributes := &unix.PerfEventAttr{
		Type:   unix.PERF_TYPE_HARDWARE,
		Size:   uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Config: event,
		Bits:   unix.PerfBitDisabled | unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv,
	}
	fd, err := unix.PerfEventOpen(attributes, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_ENABLE, 0); err != nil {
		return 0, err
	}
	work()
	if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_DISABLE, 0); err != nil {
		return 0, err
	}
	var read [8]byte
	if _, err := unix.Read(fd, read[:]); err != nil {
		return 0, err
	}
	return binary.NativeEndian.Uint64(read[:]), nil
}
