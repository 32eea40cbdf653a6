package script

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func parse(t *testing.T, text string) Script {
	t.Helper()
	script, err := Parse(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return script
}

func orders(first, last int) Keys {
	return Keys{Prefix: "orders-", First: first, Last: last, Ranged: true}
}

var single = Keys{Prefix: "orders-1"}

// Every command is what it says, and is written as people write it.
func TestCommandsRoundTrip(t *testing.T) {
	for text, want := range map[string]Command{
		"rules exact":                        Rules{Name: "exact"},
		"rules eureka v2.0.6":                Rules{Name: "eureka", Tag: "v2.0.6"},
		"rules eureka 1.4.12":                Rules{Name: "eureka", Tag: "1.4.12"},
		"rules spring":                       Rules{Name: "spring"},
		"rules bilibili":                     Rules{Name: "bilibili"},
		"rules nacos":                        Rules{Name: "nacos"},
		"set dwell 5s":                       Set{"dwell", Spans{5 * time.Second}},
		"suspect orders-1..orders-2":         Suspect{orders(1, 2)},
		"exempt orders-1 on":                 Exempt{single, true},
		"exempt orders-1 off":                Exempt{single, false},
		"set term 2m":                        Set{"term", Spans{2 * time.Minute}},
		"set term 1m30s 30s":                 Set{"term", Spans{90 * time.Second, 30 * time.Second}},
		"set suspect 45s":                    Set{"suspect", Spans{45 * time.Second}},
		"set percent 0.8":                    Set{"percent", Number(0.8)},
		"set percent 1e-06":                  Set{"percent", Number(0.000001)},
		"set self-preservation off":          Set{"self-preservation", Switch(false)},
		"set self-preservation on":           Set{"self-preservation", Switch(true)},
		"set max-leases 10":                  Set{"max-leases", Count(10)},
		"set seed -7":                        Set{"seed", Count(-7)},
		"open -1":                            Open{-1},
		"register orders-1":                  Register{single, nil},
		"register orders-1 1m":               Register{single, Spans{time.Minute}},
		"register orders-1..orders-3 1m 20s": Register{orders(1, 3), Spans{time.Minute, 20 * time.Second}},
		"register orders-1..orders-1":        Register{orders(1, 1), nil},
		"register PAYMENTS/i-0f3a:8080":      Register{Keys{Prefix: "PAYMENTS/i-0f3a:8080"}, nil},
		"register 0..9":                      Register{Keys{First: 0, Last: 9, Ranged: true}, nil},
		"register 订单-1..订单-2":                Register{Keys{Prefix: "订单-", First: 1, Last: 2, Ranged: true}, nil},
		"renew orders-1":                     Renew{single},
		"beat orders-1 every 1.5s":           Beat{single, 1500 * time.Millisecond},
		"stop orders-1..orders-2":            Stop{orders(1, 2)},
		"cancel orders-1":                    Cancel{single},
		"advance 1h":                         Advance{time.Hour},
		"advance 1h0m1s":                     Advance{time.Hour + time.Second},
		"advance 10m":                        Advance{10 * time.Minute},
		"advance 1ns":                        Advance{1},
		"tick":                               Tick{},
		"explain orders-1":                   Explain{single},
		"status":                             Status{},
		"expect orders-1 suspect":            Expect{single, StateSuspect},
		"expect orders-1..orders-2 absent":   Expect{orders(1, 2), StateAbsent},
	} {
		script := parse(t, text)
		if want := (Script{{Command: want}}); !reflect.DeepEqual(script, want) {
			t.Errorf("%q: got %#v, want %#v", text, script, want)
		}
		if got := script.String(); got != text+"\n" {
			t.Errorf("%q: written as %q", text, got)
		}
	}
}

func TestCommentsAndBlankLinesAreKept(t *testing.T) {
	script := parse(t, "\n#\n  # a story\r\n\trules  exact# by the book \n\nadvance 90s   #  # wait")
	want := Script{
		{},
		{Comment: "#"},
		{Comment: "# a story"},
		{Rules{Name: "exact"}, "# by the book"},
		{},
		{Advance{90 * time.Second}, "#  # wait"},
	}
	if !reflect.DeepEqual(script, want) {
		t.Errorf("got %#v", script)
	}
	if got, want := script.String(), "\n#\n# a story\nrules exact  # by the book\n\nadvance 1m30s  #  # wait\n"; got != want {
		t.Errorf("written as %q, want %q", got, want)
	}
}

func TestErrorsNameLineFieldValueAndRule(t *testing.T) {
	for text, want := range map[string][]string{
		"tick\nregsiter a":                      {`line 2: command is "regsiter": must be rules, set, open`},
		"tick now":                              {`line 1: command is "tick now": must be tick`},
		"advance":                               {`line 1: command is "advance": must be advance DURATION`},
		"register a 90s 30s 10s":                {`must be register KEYS [DURATION [INTERVAL]]`},
		"advance -5m":                           {`line 1: advance: duration is "-5m": must be above 0`},
		"advance 0s":                            {`duration is "0s": must be above 0`},
		"advance 5":                             {`duration is "5": must be a duration such as 90s or 1m30s`},
		"advance 9999999h":                      {`duration is "9999999h": must be a duration`},
		"beat a each 30s":                       {`line 1: beat: second word is "each": must be "every"`},
		"beat a every 0s":                       {`beat: interval is "0s": must be above 0`},
		"register a ninety":                     {`register: duration is "ninety"`},
		"open many":                             {`line 1: open: count is "many": must be a whole number`},
		"open 9223372036854775808":              {`count is "9223372036854775808"`},
		"expect a dead":                         {`line 1: expect: state is "dead": must be live, suspect, expired, evicted, absent`},
		"stop a-1..b-2":                         {`keys is "a-1..b-2"`},
		"stop a..b":                             {`must be one key, or a range`},
		"stop a-01..a-02":                       {`written without leading zeros`},
		"stop a-1..a-99999999999999999999":      {`must be one key, or a range`},
		"stop a-2..a-1":                         {`must be a range whose second number is not below the first`},
		"stop a-1..a-100001":                    {`must be at most 100000 keys`},
		"stop a\u200b":                          {`line 1: stop: key is "a\u200b": must be printable characters`},
		"# \x1b[2J":                             {`line 1: text is "# \x1b[2J": must not contain control characters`},
		"\xff":                                  {`line 1: text is "\xff": must be UTF-8`},
		"rules eureka":                          {`line 1: rules: rules is "eureka": must have a release tag after eureka`},
		"rules spring v2":                       {`rules is "spring v2": must have a release tag after eureka, such as v2.0.6, and after nothing else`},
		"rules eureka v3.0.0":                   {`release is "v3.0.0": must be an Eureka tag from v1.2.5 to v2.0.6`},
		"rules eureka spring":                   {`release is "spring"`},
		"rules eureka nacos":                    {`release is "nacos"`},
		"exempt a maybe":                        {`line 1: exempt: value is "maybe": must be on or off`},
		"exempt a..b on":                        {`line 1: exempt: `},
		"rules nacos\nset percent 0.5":          {`line 2: command is "set percent 0.5": must not stand`},
		"rules nacos\nset update 1m":            {`line 2: command is "set update 1m": must not stand`},
		"rules spring\nset dwell 1m":            {`line 2: command is "set dwell 1m": must not stand`},
		"rules consul":                          {`line 1: rules: rules is "consul": must be exact, eureka, spring, bilibili or nacos`},
		"tick\nrules exact":                     {`line 2: command is "rules exact": must be the first one`},
		"set percent 0.8\nrules exact":          {`line 2: command is "rules exact": must be the first one`},
		"tick\nset percent 0.8":                 {`line 2: command is "set percent 0.8": must come before anything happens`},
		"set colour red":                        {`line 1: set: name is "colour": must be term, suspect`},
		"set percent NaN":                       {`line 1: set: percent: value is "NaN": must be a number such as 0.85`},
		"set percent 0.8 0.9":                   {`value is "0.8 0.9": must be one word`},
		"set window 1m 2m":                      {`value is "1m 2m": must be a duration`},
		"set self-preservation no":              {`value is "no": must be on or off`},
		"set history 100001":                    {`value is "100001": must be a whole number between -100000 and 100000`},
		"set max-leases ten":                    {`value is "ten": must be a whole number`},
		"set update 1m":                         {`line 1: command is "set update 1m": must not stand under these rules, which do not look at it`},
		"rules eureka v2.0.6\nset warmup 1m":    {`line 2: command is "set warmup 1m": must not stand under these rules`},
		"rules eureka v2.0.6\nset seed 1":       {`line 2: command is "set seed 1": must not stand`},
		"set pass 10s\nset percent 7":           {`line 2: Percent is 7: must be a number from 0 to 1`},
		"set term 30s":                          {`line 1: Term is`, `must be shorter than Duration (30s)`},
		"set window 60000000001ns":              {`settings: Steps is 20: must be between 1 and 1023 and divide the Window (1m0.000000001s)`},
		"set steps 7":                           {`line 1: Steps is 7: must be between 1 and 1023 and divide the Window (1m0s)`},
		"rules spring\nset term 90s 1500ms":     {`line 2: Term.Interval is 1.5s: must be whole seconds under a release`},
		"set max-leases -1\nset history -1":     {`line 1: MaxLeases is -1`, `line 2: History is -1`},
		"advance x\n\nopen\n\n\nexpect a alive": {`line 1: advance`, `line 3: command`, `line 6: expect`},
	} {
		script, err := Parse(text)
		if err == nil || script != nil {
			t.Errorf("%q: got %v, want an error", text, script)
			continue
		}
		for _, want := range want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: got %v, want %s", text, err, want)
			}
		}
	}
}

func TestNamesPutsNeighboursTogether(t *testing.T) {
	for want, keys := range map[string][]string{
		"a":                        {"a"},
		"a-9..a-11":                {"a-10", "a-9", "a-11"},
		"a-1, a-3":                 {"a-3", "a-1", "a-3"},
		"a-1, a-01, a-x, b-1..b-2": {"b-2", "a-x", "a-01", "b-1", "a-1"},
		"7..8":                     {"8", "7"},
	} {
		if got := names(keys); got != want {
			t.Errorf("%v: got %s, want %s", keys, got, want)
		}
	}
	many := Keys{Prefix: "a-", First: 1, Last: 40, Ranged: true}.All()
	odd := slices.DeleteFunc(many, func(key string) bool { return strings.ContainsAny(key[len(key)-1:], "02468") })
	if got, want := names(odd), "a-1, a-3, a-5, a-7, a-9, a-11, a-13, a-15, a-17, a-19, a-21, a-23 and 8 more"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestUsageNamesEveryCommandAndSetting(t *testing.T) {
	commands, settings := Usage()
	if len(commands) != 15 || commands[0] != "rules exact | eureka TAG | spring | bilibili | nacos" || !slices.Contains(commands, "tick") {
		t.Errorf("got %q", commands)
	}
	if len(settings) != 15 || settings[0] != "set term DURATION [INTERVAL]" {
		t.Errorf("got %q", settings)
	}
}
