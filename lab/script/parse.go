package script

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

func invalid(field, value, rule string) error {
	return fmt.Errorf("%s is %q: %s", field, value, rule)
}

// syntax is how one command is written.
type syntax struct {
	word        string
	usage       string // what follows the word
	least, most int    // how many words that is
	parse       func(words []string) (Command, error)
}

// grammar is all commands, in the order in which stories need them.
var grammar = []syntax{
	{"rules", "exact | eureka TAG | spring | bilibili | nacos", 1, 2, parseRules},
	{"set", "NAME VALUE", 2, 3, parseSet},
	{"open", "COUNT", 1, 1, parseOpen},
	{"register", "KEYS [DURATION [INTERVAL]]", 1, 3, parseRegister},
	{"renew", "KEYS", 1, 1, ofKeys(func(k Keys) Command { return Renew{k} })},
	{"suspect", "KEYS", 1, 1, ofKeys(func(k Keys) Command { return Suspect{k} })},
	{"exempt", "KEYS on|off", 2, 2, parseExempt},
	{"beat", "KEYS every DURATION", 3, 3, parseBeat},
	{"stop", "KEYS", 1, 1, ofKeys(func(k Keys) Command { return Stop{k} })},
	{"cancel", "KEYS", 1, 1, ofKeys(func(k Keys) Command { return Cancel{k} })},
	{"advance", "DURATION", 1, 1, parseAdvance},
	{"tick", "", 0, 0, func([]string) (Command, error) { return Tick{}, nil }},
	{"explain", "KEYS", 1, 1, ofKeys(func(k Keys) Command { return Explain{k} })},
	{"status", "", 0, 0, func([]string) (Command, error) { return Status{}, nil }},
	{"expect", "KEYS " + wordsOf(states, " | "), 2, 2, parseExpect},
}

// Usage returns a line for each command, and one for each setting.
func Usage() (commands, settings []string) {
	for _, s := range grammar {
		commands = append(commands, strings.TrimSpace(s.word+" "+s.usage))
	}
	for _, s := range settingsTable {
		settings = append(settings, "set "+s.name+" "+s.usage)
	}
	return commands, settings
}

// Parse reads a script: one command a line, which # and a comment may follow.
// It fails, naming every line that is wrong, also where the settings make no
// registry.
func Parse(text string) (Script, error) {
	var script Script
	var errs []error
	for text := range strings.Lines(text) {
		line, err := parseLine(strings.TrimRight(text, "\r\n"))
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", len(script)+1, err))
		}
		script = append(script, line)
	}
	if len(errs) == 0 {
		_, err := script.config()
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return script, nil
}

func parseLine(text string) (Line, error) {
	if err := checkText(text); err != nil {
		return Line{}, err
	}
	words, comment := text, ""
	if start := strings.IndexByte(text, '#'); start >= 0 {
		words, comment = text[:start], strings.TrimSpace(text[start:])
	}
	command, err := parseCommand(strings.Fields(words))
	return Line{command, comment}, err
}

// checkText refuses what would do something to a terminal other than print.
func checkText(text string) error {
	if !utf8.ValidString(text) {
		return invalid("text", text, "must be UTF-8")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
		return invalid("text", text, "must not contain control characters")
	}
	return nil
}

func parseCommand(words []string) (Command, error) {
	if len(words) == 0 {
		return nil, nil
	}
	i := slices.IndexFunc(grammar, func(s syntax) bool { return s.word == words[0] })
	if i < 0 {
		return nil, invalid("command", words[0], "must be "+alternatives(grammar, func(s syntax) string { return s.word }))
	}
	if n := len(words) - 1; n < grammar[i].least || n > grammar[i].most {
		return nil, invalid("command", strings.Join(words, " "), "must be "+strings.TrimSpace(words[0]+" "+grammar[i].usage))
	}
	command, err := grammar[i].parse(words[1:])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", words[0], err)
	}
	return command, nil
}

func parseRules(words []string) (Command, error) {
	rules := Rules{Name: words[0], Tag: strings.Join(words[1:], " ")}
	_, err := rules.config()
	return rules, err
}

func parseOpen(words []string) (Command, error) {
	count, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil {
		return nil, invalid("count", words[0], "must be a whole number")
	}
	return Open{count}, nil
}

func parseRegister(words []string) (Command, error) {
	keys, err := parseKeys(words[0])
	if err != nil {
		return nil, err
	}
	term, err := parseSpans("duration", words[1:])
	return Register{keys, term}, err
}

func parseBeat(words []string) (Command, error) {
	keys, err := parseKeys(words[0])
	if err != nil {
		return nil, err
	}
	if words[1] != "every" {
		return nil, invalid("second word", words[1], `must be "every"`)
	}
	every, err := parsePositive("interval", words[2])
	return Beat{keys, every}, err
}

func parseExempt(words []string) (Command, error) {
	keys, err := parseKeys(words[0])
	if err != nil {
		return nil, err
	}
	on, err := parseSwitch(words[1])
	return Exempt{keys, on}, err
}

func parseAdvance(words []string) (Command, error) {
	duration, err := parsePositive("duration", words[0])
	return Advance{duration}, err
}

func parseExpect(words []string) (Command, error) {
	keys, err := parseKeys(words[0])
	if err != nil {
		return nil, err
	}
	state := State(words[1])
	if !slices.Contains(states, state) {
		return nil, invalid("state", words[1], "must be "+wordsOf(states, ", "))
	}
	return Expect{keys, state}, nil
}

// ofKeys parses a command that takes keys and nothing else.
func ofKeys(command func(Keys) Command) func([]string) (Command, error) {
	return func(words []string) (Command, error) {
		keys, err := parseKeys(words[0])
		return command(keys), err
	}
}

func parsePositive(field, word string) (time.Duration, error) {
	spans, err := parseSpans(field, []string{word})
	if err != nil {
		return 0, err
	}
	if spans[0] <= 0 {
		return 0, invalid(field, word, "must be above 0")
	}
	return spans[0], nil
}

func parseSpans(field string, words []string) (Spans, error) {
	var spans Spans
	for _, word := range words {
		span, err := time.ParseDuration(word)
		if err != nil {
			return nil, invalid(field, word, "must be a duration such as 90s or 1m30s")
		}
		spans = append(spans, span)
	}
	return spans, nil
}

func parseNumber(word string) (Number, error) {
	number, err := strconv.ParseFloat(word, 64)
	if err != nil || math.IsInf(number, 0) || math.IsNaN(number) {
		return 0, invalid("value", word, "must be a number such as 0.85")
	}
	return Number(number), nil
}

func parseSwitch(word string) (Switch, error) {
	switch word {
	case "on":
		return true, nil
	case "off":
		return false, nil
	}
	return false, invalid("value", word, "must be on or off")
}

// alternatives names what stands in a table.
func alternatives[T any](table []T, name func(T) string) string {
	var words []string
	for _, entry := range table {
		words = append(words, name(entry))
	}
	return wordsOf(words, ", ")
}

func wordsOf[T ~string](names []T, separator string) string {
	var words []string
	for _, name := range names {
		words = append(words, string(name))
	}
	return strings.Join(words, separator)
}
