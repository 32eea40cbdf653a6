package replay

import (
	"fmt"
	"strings"
	"testing"
)

// checkOf is a case of the kind nacoscheck with two instances of one address,
// of which b has metadata of its own, and a delay of the deletions.
func checkOf(delay int, metadata, ops, outputs, final string) string {
	return fmt.Sprintf(`{"id":"x","inputs":{"t0":0,"delDelay":[%d],"instances":[{"ip":"h","port":1,"cluster":"a","healthy":true,"meta":{}},`+
		`{"ip":"h","port":1,"cluster":"b","healthy":false,"meta":%s}],"ops":[%s]},"outputs":{"ops":[%s],"final":%s}}`, delay, metadata, ops, outputs, final)
}

// beatsOf is a case of the kind nacosbeat with these operations.
func beatsOf(ops, outputs string) string {
	return fmt.Sprintf(`{"id":"x","inputs":{"t0":0,"clientBeatInterval":5000,"lightBeatEnabled":true,"delDelay":[0],"ops":[%s]},"outputs":[%s]}`, ops, outputs)
}

// lifeOf is a case of the kind nacosscenario with one client that registers at
// 0 and beats every 5 s.
func lifeOf(end, tie int, outages, stalls, controls, outputs string) string {
	return fmt.Sprintf(`{"id":"x","inputs":{"t0":0,"endMs":%d,"checkInitialDelayMs":5000,"checkDelayMs":5000,"tie":%d,"fullBeats":false,"delDelay":[0],`+
		`"instances":[["h",1,"a",{},0,5000]],"outages":[%s],"stalls":[%s],"controls":[%s]},"outputs":{%s}}`, end, tie, outages, stalls, controls, outputs)
}

// What no recording has, by the original's rules.
func TestNacosByHand(t *testing.T) {
	for _, test := range []struct{ name, kind, line string }{
		{"an address in two clusters: a write copies what the last one has to the marked one, too", "nacoscheck", checkOf(0, `{}`,
			`[0,"reg",0],[0,"reg",1],[0,"mark",0,1],[1000,"reg",1],[2000,"reg",0],[3000,"end"]`,
			`"O P R0","O0 P R1","","O0,1 P R1","P R0",""`,
			`[[0,0,2000],[0,0,1000]]`)},
		{"a delete that comes late pushes, though nobody is there any more", "nacoscheck", checkOf(7000, `{}`,
			`[0,"reg",0],[30001,"check"],[35001,"check"],[42001,"end"]`,
			`"O P R0","O0 U0 P E0 D0","D0","X0 P O X0 P"`, `[null,null]`)},
		{"a huge interval does no harm as long as nobody has to go", "nacoscheck", checkOf(0, `{"preserved.heart.beat.interval":"9223372036854775808"}`,
			`[0,"reg",1],[0,"reg",1],[1,"beat",1],[15002,"check"],[30001,"check"],[30002,"check"],[30002,"end"]`,
			`"O R1!","P R1","H1 P B!NumberFormatException","O1 U1 P E1","","!",""`, `[null,[0,0,1]]`)},
		{"a pass before anybody registered, or without a service", "nacoscheck", checkOf(0, `{}`,
			`[0,"noservice"],[0,"check"],[0,"mark",0,1],[0,"beat",0],[0,"end"]`, `"","","","B20404",""`, `[null,null]`)},
		{"parameters are trimmed, the cluster of a full beat is not", "nacosbeat", beatsOf(
			`[0,"beat",{"serviceName":"G@@s ","ip":" h ","port":" 1 ","clusterName":" c ","beat":" {\"ip\":\"h\",\"port\":1,\"cluster\":\"d \"} "}]`,
			`[{"clientBeatInterval":5000,"code":10200,"lightBeatEnabled":true},"P",{"public/G@@s/h:1@d ":[1,0,0.0,null]}]`)},
		{"null is a light beat, and no service is known yet", "nacosbeat", beatsOf(
			`[0,"check"],[0,"unhealthy","h",1,"c"],[0,"beat",{"serviceName":"G@@s","beat":"null"}]`,
			`[null,"",null],[null,"",null],[{"clientBeatInterval":5000,"code":20404},"",null]`)},
		{"a group without a name, and a name without a group", "nacosbeat", beatsOf(
			`[0,"beat",{"serviceName":"G@@"}],[0,"beat",{"serviceName":"@@s"}],[0,"beat",{}]`,
			`["!IllegalArgumentException","",null],["!IllegalArgumentException","",null],["!IllegalArgumentException","",null]`)},
		{"JSON is read before the port, and the port before the service", "nacosbeat", beatsOf(
			`[0,"beat",{"beat":"{","port":"x"}],[0,"beat",{"port":"2147483648"}]`,
			`["!NacosDeserializationException","",null],["!NumberFormatException","",null]`)},
		{"a server without clients", "nacosscenario", strings.Replace(lifeOf(60000, 0, ``, ``, `[1,1,0]`,
			`"events":[[1,"ctl",1,0]],"passes":0,"beats":0,"notFound":0,"final":[null]`), `{},0,5000`, `{},60001,5000`, 1)},
		{"a stall delays what is due in it, controls apart, and the passes after it", "nacosscenario", lifeOf(42000, 1, `[0,10001,-1,1]`, `[16000,20000,1],[9000,16000,0]`, `[12000,0,1000]`,
			`"events":[[0,"reg",0,"P"],[12000,"ctl",0,1000],[35000,"check","O0 U0 P E0"]],"passes":6,"beats":2,"notFound":0,"final":[[0,17000]]`)},
		{"a delete waits for the end of a stall, and comes before the pass", "nacosscenario", strings.Replace(
			lifeOf(40002, 0, `[0,1,-1,1]`, `[35001,40001,0]`, `[36000,0,1]`,
				`"events":[[0,"reg",0,"P"],[20000,"check","O0 U0 P E0"],[35000,"check","D0"],[36000,"ctl",0,1],[40001,"delete","X0 P"]],"passes":8,"beats":0,"notFound":0,"final":[null]`),
			`"delDelay":[0]`, `"delDelay":[2]`, 1)},
	} {
		t.Run(test.name, func(t *testing.T) {
			result, err := Lines(test.kind+".a.jsonl", strings.NewReader(test.line))
			if err != nil {
				t.Fatal(err)
			}
			reportAll(t, result)
		})
	}
}

// A case that cannot be replayed to its end is skipped, by name and reason.
func TestNacosSkipsAreNamed(t *testing.T) {
	const nothing = `"events":[],"passes":0,"beats":0,"notFound":0,"final":[null]`
	life := lifeOf(0, 0, ``, ``, ``, nothing)
	for _, broken := range []struct{ name, kind, line, reason string }{
		{"unknown operation", "nacoscheck", checkOf(0, `{}`, `[0,"sing"]`, `""`, `[null,null]`), `unknown operation "sing"`},
		{"operation without a name", "nacoscheck", checkOf(0, `{}`, `[0]`, `""`, `[null,null]`), "an operation of 1 values"},
		{"operation that is none", "nacoscheck", checkOf(0, `{}`, `{}`, `""`, `[null,null]`), "cannot unmarshal object"},
		{"operation of another length", "nacoscheck", checkOf(0, `{}`, `[0,"mark",0]`, `""`, `[null,null]`), "3 values, not 4"},
		{"name that is a number", "nacoscheck", checkOf(0, `{}`, `[0,0]`, `""`, `[null,null]`), "cannot unmarshal number"},
		{"unknown instance", "nacoscheck", checkOf(0, `{}`, `[0,"reg",2]`, `""`, `[null,null]`), "no instance 2"},
		{"fewer outputs", "nacoscheck", checkOf(0, `{}`, `[0,"end"]`, ``, `[null,null]`), "1 operations but 0 outputs"},
		{"no delay", "nacoscheck", strings.Replace(checkOf(0, `{}`, ``, ``, `[null,null]`), `"delDelay":[0]`, `"delDelay":[]`, 1), "how long a deletion takes"},
		{"clock out of range", "nacoscheck", checkOf(0, `{}`, `[0,"step",9223372036854775807],[0,"reg",0]`, `"",""`, `[null,null]`), "must lie at most"},
		{"unknown operation of a beat", "nacosbeat", beatsOf(`[0,"sing"]`, `[null,"",null]`), `unknown operation "sing"`},
		{"output of another length", "nacosbeat", beatsOf(`[0,"check"]`, `[null,""]`), "2 values, not 3"},
		{"more outputs", "nacosbeat", beatsOf(``, `[null,"",null]`), "0 operations but 1 outputs"},
		{"no delay of a beat", "nacosbeat", strings.Replace(beatsOf(``, ``), `"delDelay":[0]`, `"delDelay":[]`, 1), "how long a deletion takes"},
		{"no delay of a scenario", "nacosscenario", strings.Replace(life, `"delDelay":[0]`, `"delDelay":[]`, 1), "how long a deletion takes"},
		{"another first pass", "nacosscenario", strings.Replace(life, `"checkDelayMs":5000`, `"checkDelayMs":6000`, 1), "after 5000 ms, not after 6000"},
		{"no interval of a client", "nacosscenario", strings.Replace(life, `{},0,5000`, `{},0,0`, 1), "client 0 beats every 0 ms"},
		{"unknown control", "nacosscenario", lifeOf(0, 0, ``, ``, `[0,4,0]`, nothing), "unknown control 4"},
		{"client that cannot be registered", "nacosscenario", strings.Replace(life, `{},0,5000`, `{"preserved.heart.beat.interval":"9223372036854775808"},0,5000`, 1), "h:1@a could not be registered"},
		{"pause that is none", "nacosscenario", strings.NewReplacer(`InitialDelayMs":5000`, `InitialDelayMs":0`, `"checkDelayMs":5000`, `"checkDelayMs":0`).Replace(life), "EvictionInterval"},
	} {
		t.Run(broken.name, func(t *testing.T) {
			result, err := Lines(broken.kind+".a.jsonl", strings.NewReader(broken.line))
			if err != nil {
				t.Fatal(err)
			}
			if len(result.Skipped) != 1 || !strings.Contains(result.Skipped[0].Reason, broken.reason) {
				t.Errorf("skipped is %+v, which does not say %q", result.Skipped, broken.reason)
			}
		})
	}
}

// The order of the original's hash maps is taken from the recording, but only
// as an order of what is there, and only where it was recorded.
func TestNacosOrdersAreChecked(t *testing.T) {
	const ops = `[0,"reg",0],[0,"reg",1],[0,"check"],[0,"check"]`
	for name, tokens := range map[string]string{
		"an instance too few":   `"O P R0","O0 P R1","O1","O1,0"`,
		"an instance twice":     `"O P R0","O0 P R1","O1,1",""`,
		"one that is unknown":   `"O P R0","O0 P R1","O1,0,2",""`,
		"none after a change":   `"O P R0","O0 P R1","",""`,
		"the last one again":    `"O P R0","O0 P R1","O1,0","O1,0"`,
		"none before the first": `"P R0","O0 P R1","O1,0",""`,
	} {
		t.Run(name, func(t *testing.T) {
			result, err := Lines("nacoscheck.a.jsonl", strings.NewReader(checkOf(0, `{}`, ops, tokens, `[[1,0,0],[0,0,0]]`)))
			if err != nil || result.OK() {
				t.Errorf("got %+v, %v; want a mismatch", result, err)
			}
		})
	}
	sound := checkOf(0, `{}`, ops, `"O P R0","O0 P R1","O1,0",""`, `[[1,0,0],[0,0,0]]`)
	result, err := Lines("nacoscheck.a.jsonl", strings.NewReader(sound))
	if err != nil {
		t.Fatal(err)
	}
	reportAll(t, result)
}
