package heartbeat_test

import (
	"math"
	"testing"

	"github.com/leasekernel/leasekernel/heartbeat"
)

func TestBeatVerdictsAreWords(t *testing.T) {
	for verdict, want := range map[heartbeat.BeatVerdict]string{
		heartbeat.RenewLease: "renew", heartbeat.RegisterFromBeat: "register", heartbeat.AskToRegister: "ask to register", 3: "BeatVerdict(3)",
	} {
		if got := verdict.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Quirks N14 to N16: every beat under switches of all kinds.
func TestHandleBeat(t *testing.T) {
	accepted := func(interval int64, light bool) heartbeat.BeatAnswer {
		return heartbeat.BeatAnswer{Code: 10200, IntervalMillis: interval, Light: light, HasLight: true}
	}
	asked := func(interval int64) heartbeat.BeatAnswer {
		return heartbeat.BeatAnswer{Code: 20404, IntervalMillis: interval}
	}
	type beat = heartbeat.Beat
	for name, row := range map[string]struct {
		switches heartbeat.BeatSwitch
		beat     beat
		verdict  heartbeat.BeatVerdict
		answer   heartbeat.BeatAnswer
	}{
		"unknown, light":    {heartbeat.BeatSwitch{5000, true}, beat{}, heartbeat.AskToRegister, asked(5000)},
		"unknown, full":     {heartbeat.BeatSwitch{5000, true}, beat{Full: true}, heartbeat.RegisterFromBeat, accepted(5000, true)},
		"known, light":      {heartbeat.BeatSwitch{5000, true}, beat{Known: true}, heartbeat.RenewLease, accepted(5000, true)},
		"known, full":       {heartbeat.BeatSwitch{5000, true}, beat{Known: true, Full: true}, heartbeat.RenewLease, accepted(5000, true)},
		"no light beats":    {heartbeat.BeatSwitch{5000, false}, beat{Known: true}, heartbeat.RenewLease, accepted(5000, false)},
		"0 of the switch":   {heartbeat.BeatSwitch{0, true}, beat{Full: true}, heartbeat.RegisterFromBeat, accepted(0, true)},
		"-1 of the switch":  {heartbeat.BeatSwitch{-1, false}, beat{Known: true}, heartbeat.RenewLease, accepted(-1, false)},
		"asked with the -1": {heartbeat.BeatSwitch{-1, true}, beat{}, heartbeat.AskToRegister, asked(-1)},
		"its own interval": {heartbeat.BeatSwitch{5000, true}, beat{Known: true, HasInterval: true, IntervalMillis: 60_000},
			heartbeat.RenewLease, accepted(60_000, true)},
		"its own interval of 0": {heartbeat.BeatSwitch{5000, true}, beat{Full: true, HasInterval: true},
			heartbeat.RegisterFromBeat, accepted(0, true)},
		"its own that cannot be read": {heartbeat.BeatSwitch{-1, true}, beat{Full: true, HasInterval: true, IntervalMillis: heartbeat.DefaultBeatIntervalMillis},
			heartbeat.RegisterFromBeat, accepted(5000, true)},
		"the greatest": {heartbeat.BeatSwitch{5000, true}, beat{Known: true, HasInterval: true, IntervalMillis: math.MaxInt64},
			heartbeat.RenewLease, accepted(math.MaxInt64, true)},
		"an interval that it does not have": {heartbeat.BeatSwitch{5000, true}, beat{Known: true, IntervalMillis: 7},
			heartbeat.RenewLease, accepted(5000, true)},
		"what a light beat of an unknown one says": {heartbeat.BeatSwitch{5000, true}, beat{HasInterval: true, IntervalMillis: 7},
			heartbeat.AskToRegister, asked(5000)},
	} {
		t.Run(name, func(t *testing.T) {
			verdict, answer := row.switches.Handle(row.beat)
			if verdict != row.verdict || answer != row.answer {
				t.Errorf("got %v, %+v, want %v, %+v", verdict, answer, row.verdict, row.answer)
			}
		})
	}
}

func TestHandleAllocatesNothing(t *testing.T) {
	switches := heartbeat.BeatSwitch{IntervalMillis: 5000, Light: true}
	verdicts := [3]int{}
	var turn int
	if got := testing.AllocsPerRun(100, func() {
		verdict, _ := switches.Handle(heartbeat.Beat{Known: turn%3 == 0, Full: turn%3 == 1})
		verdicts[verdict]++
		turn++
	}); got != 0 {
		t.Errorf("got %v allocations, want none", got)
	}
	if verdicts[0] == 0 || verdicts[1] == 0 || verdicts[2] == 0 {
		t.Errorf("got %v verdicts, want some of each", verdicts)
	}
}
