package replay

import (
	"fmt"
	"strings"
	"testing"
)

// bilibiliOf is a case with two instances of one application, which ends at its
// last event.
func bilibiliOf(endMillis int, events, ticks, final string) string {
	return fmt.Sprintf(`{"id":"x","inputs":{"t0":0,"endMs":%d,"randSeed":1,"tie":0,"outages":[],"stalls":null,`+
		`"instances":[["app","env","zone","a",30000],["app","env","zone","b",30000]],"events":[%s]},"outputs":{"ticks":[%s],"final":[%s]}}`,
		endMillis, events, ticks, final)
}

// What no recording has, by the original's arithmetic.
func TestBilibiliByHand(t *testing.T) {
	const both = "0,0,0,0,1, 0,0,1,0,1,"
	for _, test := range []struct{ name, line string }{
		// After 60 s the clock is set back by 120 s; a renews 10 s later, and then
		// no more. 110 s after that it is 20 s past its last renewal but one.
		{"a renewal after the clock was set back takes the lease back, too", bilibiliOf(180000,
			both+"40000,1,0, 0,1,1, 0,1,1, 0,1,1, 20000,5,0, 0,7,-120000, 10000,1,0, 0,1,1, 0,1,1, 0,1,1, 50000,5,1, 10000,1,1, 0,1,1, 0,1,1, 50000,5,2",
			`{"t":60000,"fac":4,"exp":4,"thr":3,"protect":false,"size":2,"cand":[],"limit":1,"toEvict":0,"victims":[],"sizeAfter":2,"expAfter":4},`+
				`{"t":120000,"fac":4,"exp":4,"thr":3,"protect":false,"size":2,"cand":[],"limit":1,"toEvict":0,"victims":[],"sizeAfter":2,"expAfter":4},`+
				`{"t":180000,"fac":3,"exp":4,"thr":3,"protect":false,"size":2,"cand":[0],"limit":1,"toEvict":1,"victims":[0],"sizeAfter":1,"expAfter":4}`,
			"4,3,0,3,1,1")},
		// The whole process stands still from 70 s to 180 s, so that the tick of
		// 120 s is received at the instant of the next one.
		{"two ticks at one instant are two minutes", strings.Replace(bilibiliOf(180000,
			both+"60000,5,0, 10000,1,0, 110000,8,110000, 0,5,1, 0,1,1, 0,5,2, 0,1,0",
			`{"t":60000,"fac":0,"exp":4,"thr":3,"protect":true,"size":2,"cand":[],"limit":1,"toEvict":0,"victims":[],"sizeAfter":2,"expAfter":4},`+
				`{"t":180000,"fac":1,"exp":4,"thr":3,"protect":true,"size":2,"cand":[],"limit":1,"toEvict":0,"victims":[],"sizeAfter":2,"expAfter":4},`+
				`{"t":180000,"fac":1,"exp":4,"thr":3,"protect":true,"size":2,"cand":[],"limit":1,"toEvict":0,"victims":[],"sizeAfter":2,"expAfter":4}`,
			"4,3,1,1,2,1"), `"stalls":null`, `"stalls":[[70000,180000]]`, 1)},
		// Both later registrations of a are older than its first one.
		{"an outdated registration leaves the date as it was", bilibiliOf(120000,
			"0,0,0,9,1, 0,0,1,0,1, 50000,0,0,3,0, 10000,5,0, 0,1,1, 0,1,1, 0,1,1, 0,0,0,4,0, 60000,5,1",
			`{"t":60000,"fac":0,"exp":4,"thr":3,"protect":true,"size":2,"cand":[],"limit":1,"toEvict":0,"victims":[],"sizeAfter":2,"expAfter":4},`+
				`{"t":120000,"fac":3,"exp":4,"thr":3,"protect":false,"size":2,"cand":[0],"limit":1,"toEvict":1,"victims":[0],"sizeAfter":1,"expAfter":4}`,
			"4,3,0,3,1,1")},
		{"an outdated registration of nobody is a registration", bilibiliOf(0, "0,0,0,5,1, 0,3,0, 0,0,0,4,1, 0,0,0,3,0", "", "2,1,0,0,1,1")},
	} {
		t.Run(test.name, func(t *testing.T) {
			result, err := Lines("bilibili.a.jsonl", strings.NewReader(test.line))
			if err != nil {
				t.Fatal(err)
			}
			reportAll(t, result)
		})
	}
}

func TestBilibiliSkipsAreNamed(t *testing.T) {
	const nothing = "0,0,0,0,0,0"
	for _, broken := range []struct{ name, line, reason string }{
		{"event that is cut off", bilibiliOf(0, "0", "", nothing), "cut off"},
		{"arguments that are cut off", bilibiliOf(0, "0,0,1,0", "", nothing), "cut off"},
		{"unknown event", bilibiliOf(0, "0,10", "", nothing), "unknown event 10"},
		{"event below all", bilibiliOf(0, "0,-1", "", nothing), "unknown event -1"},
		{"unknown instance", bilibiliOf(0, "0,0,2,0,1", "", nothing), "no instance 2"},
		{"tick that was not recorded", bilibiliOf(0, "0,5,0", "", nothing), "tick 0 comes as number 0 of 0"},
		{"stall without an end", strings.Replace(bilibiliOf(0, "", "", nothing), `"stalls":null`, `"stalls":[[1]]`, 1), "not from one instant to another"},
		{"instance of another length", strings.Replace(bilibiliOf(0, "", "", nothing), `,"a",30000`, `,"a"`, 1), "4 values, not 5"},
		{"instance with a number for a name", strings.Replace(bilibiliOf(0, "", "", nothing), `"a",30000`, `1,30000`, 1), "cannot unmarshal number"},
		{"no candidates at all", strings.Replace(bilibiliOf(0, "", `{}`, nothing), `{}`, `{"t":0,"fac":0,"exp":0,"thr":0,"protect":false,"size":0,"cand":null}`, 1), "cand is null"},
	} {
		t.Run(broken.name, func(t *testing.T) {
			result, err := Lines("bilibili.a.jsonl", strings.NewReader(broken.line))
			if err != nil {
				t.Fatal(err)
			}
			if len(result.Skipped) != 1 || !strings.Contains(result.Skipped[0].Reason, broken.reason) {
				t.Errorf("got %+v, want a skip that says %q", result, broken.reason)
			}
		})
	}
}
