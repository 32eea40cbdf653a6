package replay

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/leasekernel/leasekernel/heartbeat"
)

// What Jackson 2.14 makes of values, asked of it (quirk N28).
func TestJacksonCoercion(t *testing.T) {
	for _, row := range []struct {
		text    string
		asLong  int64
		asInt   int32
		boolean bool
	}{
		{`0`, 0, 0, false},
		{`7`, 7, 7, true},
		{`-7`, -7, -7, true},
		{`2147483648`, 2147483648, math.MinInt32, true},
		{`4294987700`, 4294987700, 20404, true},
		{`9223372036854775807`, math.MaxInt64, -1, true},
		{`9223372036854775808`, math.MinInt64, 0, true},
		{`18446744073709551617`, 1, 1, true},
		{`-9223372036854775809`, math.MaxInt64, -1, true},
		{`2500.9`, 2500, 2500, false},
		{`-2500.9`, -2500, -2500, false},
		{`1e4`, 10000, 10000, false},
		{`1e30`, math.MaxInt64, math.MaxInt32, false},
		{`-1e30`, math.MinInt64, math.MinInt32, false},
		{`1e999`, math.MaxInt64, math.MaxInt32, false},
		{`0.0`, 0, 0, false},
		{`0.4`, 0, 0, false},
		{`-0`, 0, 0, false},
		{`-0.0`, 0, 0, false},
		{`true`, 1, 1, true},
		{`false`, 0, 0, false},
		{`null`, 0, 0, false},
		{`[]`, 0, 0, false},
		{`[1]`, 0, 0, false},
		{`{}`, 0, 0, false},
		{`""`, 0, 0, false},
		{`" "`, 0, 0, false},
		{`"3000"`, 3000, 3000, false},
		{`" 3000 "`, 3000, 3000, false},
		{`"+3000"`, 3000, 3000, false},
		{`"-3000"`, -3000, -3000, false},
		{`"--3"`, 0, 0, false},
		{`"-"`, 0, 0, false},
		{`"+"`, 0, 0, false},
		{`"abc"`, 0, 0, false},
		{`"3000ms"`, 0, 0, false},
		{`"2500.9"`, 2500, 2500, false},
		{`"-2500.9"`, -2500, -2500, false},
		{`"1e4"`, 10000, 10000, false},
		{`"1e30"`, math.MaxInt64, math.MaxInt32, false},
		{`"1e999"`, math.MaxInt64, math.MaxInt32, false},
		{`"2500.9f"`, 2500, 2500, false},
		{`"2500.9d"`, 2500, 2500, false},
		{`"5d"`, 5, 5, false},
		{`".5"`, 0, 0, false},
		{`"5."`, 5, 5, false},
		{`"."`, 0, 0, false},
		{`"NaN"`, 0, 0, false},
		{`"Infinity"`, math.MaxInt64, math.MaxInt32, false},
		{`"-Infinity"`, math.MinInt64, math.MinInt32, false},
		{`"9223372036854775807"`, math.MaxInt64, 0, false},
		{`"9223372036854775808"`, 0, 0, false},
		{`"20404"`, 20404, 20404, false},
		{`"2147483648"`, 2147483648, 0, false},
		{`"20404.7"`, 20404, 20404, false},
		{`"true"`, 0, 0, true},
		{`" true "`, 0, 0, true},
		{`"TRUE"`, 0, 0, false},
		{`"True"`, 0, 0, false},
		{`"1"`, 1, 1, false},
		{`"yes"`, 0, 0, false},
		{`"١٥"`, 0, 0, false},
		{`"1_000"`, 0, 0, false},
		{`"+-5"`, -5, -5, false},
		{`"-+5"`, 0, 0, false},
		{`"++5"`, 5, 5, false},
		{`"+ 5"`, 5, 5, false},
		{`"+5.5"`, 5, 5, false},
		{`"1e"`, 0, 0, false},
		{`"1e+2"`, 100, 100, false},
		{`"\u00a05"`, 0, 0, false},
		{`"\u00005"`, 5, 5, false},
	} {
		decoder := json.NewDecoder(strings.NewReader(row.text))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			t.Fatal(err)
		}
		if long, short, boolean := asLong(value), asInt(value), asBoolean(value); long != row.asLong || short != row.asInt || boolean != row.boolean {
			t.Errorf("%s: got %d, %d, %t, want %d, %d, %t", row.text, long, short, boolean, row.asLong, row.asInt, row.boolean)
		}
	}
}

func TestReadAnswer(t *testing.T) {
	for text, want := range map[string]struct {
		answer heartbeat.BeatAnswer
		usable bool
	}{
		`{"clientBeatInterval":5000,"lightBeatEnabled":true,"code":10200}`:       {heartbeat.BeatAnswer{Code: 10200, IntervalMillis: 5000, Light: true}, true},
		`{"clientBeatInterval":null}`:                                            {heartbeat.BeatAnswer{}, true},
		`{"clientBeatInterval":1,"ClientBeatInterval":2,"clientBeatInterval":3}`: {heartbeat.BeatAnswer{IntervalMillis: 3}, true},
		`{"code":20404,"lightBeatEnabled":true}`:                                 {},
		`{}`:                                                                     {}, `null`: {}, `[5000]`: {}, `5000`: {}, `"clientBeatInterval"`: {},
	} {
		answer, usable, err := readAnswer(text)
		if usable != want.usable || err != nil || usable && answer != want.answer {
			t.Errorf("%s: got %+v, %t, %v, want %+v, %t", text, answer, usable, err, want.answer, want.usable)
		}
	}
	if _, usable, err := readAnswer("{"); usable || err == nil {
		t.Error("half an answer is read")
	}
}

// reactorOf is a case of one thread whose answers take 1 s and failed
// registrations 2 s.
func reactorOf(answer, ops, outputs, events string) string {
	return `{"id":"x","inputs":{"t0":0,"threads":1,"answers":[[1000,"` + strings.ReplaceAll(answer, `"`, `\"`) +
		`"]],"regDelay":[2000],"regFail":[true],"ops":[` + ops + `]},"outputs":{"ops":[` + outputs + `],"events":[` + events + `],"thrown":[]}}`
}

// What no recording has, by the original's arithmetic.
func TestReactorByHand(t *testing.T) {
	const add = `[0,"add","G@@b","1.1.1.1",80,"c",1.0,{}],`
	for _, test := range []struct{ name, line string }{
		{"an answer that is no object", reactorOf(`[]`, add+`[11000,"end"]`, `"5000/1","/1"`,
			`[5000,"send","G@@b#1.1.1.1#80",0,0],[11000,"send","G@@b#1.1.1.1#80",0,0]`)},
		{"a code beyond 32 bits wraps", reactorOf(`{"clientBeatInterval":1,"lightBeatEnabled":7,"code":4294987700}`, add+`[8001,"end"]`, `"5000/1","/1"`,
			`[5000,"send","G@@b#1.1.1.1#80",0,0],[6000,"register","G@@b","G","1.1.1.1",80,"c",1.0,1,1,1,{}],[8001,"send","G@@b#1.1.1.1#80",1,0]`)},
		{"nothing happens", reactorOf("null", `[0,"remove","G@@b","1.1.1.1",80],[9000,"end"]`, `"/0","/0"`, "")},
	} {
		t.Run(test.name, func(t *testing.T) {
			result, err := Lines("nacosreactor.a.jsonl", strings.NewReader(test.line))
			if err != nil {
				t.Fatal(err)
			}
			reportAll(t, result)
		})
	}
}

func TestReactorSkipsAreNamed(t *testing.T) {
	sound := reactorOf("null", `[0,"add","b","1.1.1.1",80,"c",1.0,{}],[5000,"end"]`, `"5000/1","/1"`, `[5000,"send","b#1.1.1.1#80",0,0]`)
	for _, broken := range []struct{ name, from, to, reason string }{
		{"unknown operation", `"end"`, `"sing"`, `unknown operation "sing"`},
		{"operation without a name", `[5000,"end"]`, `[5000]`, "an operation of 1 values"},
		{"operation of another length", `[5000,"end"]`, `[5000,"end",1]`, "3 values, not 2"},
		{"beat without metadata", `,1.0,{}]`, `,1.0,null]`, "value 7 is null"},
		{"unknown event", `"send"`, `"sing"`, `unknown event "sing"`},
		{"event without a name", `[5000,"send","b#1.1.1.1#80",0,0]`, `[5000]`, "an event of 1 values"},
		{"event of another length", `80",0,0]`, `80",0]`, "4 values, not 5"},
		{"event too many", `[5000,"send","b#1.1.1.1#80",0,0]`, "", "more than the 0 events"},
		{"fewer outputs", `"5000/1","/1"`, `"5000/1"`, "2 operations but 1 outputs"},
		{"no threads", `"threads":1`, `"threads":0`, "threads is 0"},
		{"no answers", `[[1000,"null"]]`, `[]`, "nothing says how requests end"},
		{"answer that is no JSON", `"null"`, `"sung"`, `answer "sung"`},
		{"answer of another length", `[1000,"null"]`, `[1000]`, "1 values, not 2"},
	} {
		t.Run(broken.name, func(t *testing.T) {
			line := strings.Replace(sound, broken.from, broken.to, 1)
			result, err := Lines("nacosreactor.a.jsonl", strings.NewReader(line))
			if err != nil {
				t.Fatal(err)
			}
			if len(result.Skipped) != 1 || !strings.Contains(result.Skipped[0].Reason, broken.reason) {
				t.Errorf("got %+v, want a skip that says %q", result, broken.reason)
			}
		})
	}
	if result, err := Lines("nacosreactor.a.jsonl", strings.NewReader(sound)); err != nil || !result.OK() {
		t.Errorf("the sound one: %+v, %v", result, err)
	}
}
