package script

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leasekernel/leasekernel"
	"github.com/leasekernel/leasekernel/preserve"
)

// setting is one field of the kernel's Config that a script can set.
type setting struct {
	name  string
	usage string // of the value
	field string // as the Config's problems name it
	// heeded reports whether the rules look at it: what they do not look at
	// would silently be without effect.
	heeded func(preserve.Release) bool
	parse  func(words []string) (Value, error)
	apply  func(*leasekernel.Config, Value)
}

// settingsTable is in the order of the Config.
var settingsTable = []setting{
	{"term", "DURATION [INTERVAL]", "Term", always, spans(1, 2), applyTerm},
	{"suspect", "DURATION", "Term", withStage, spans(1, 1), applySpan(func(c *leasekernel.Config) *time.Duration { return &c.Term.Suspect })},
	{"window", "DURATION", "Window", always, spans(1, 1), applySpan(func(c *leasekernel.Config) *time.Duration { return &c.Window })},
	{"steps", "COUNT", "Steps", exactOnly, counts(math.MaxInt32), applyCount(func(c *leasekernel.Config) *int { return &c.Steps })},
	{"percent", "FRACTION", "Percent", protected, one(parseNumber), func(c *leasekernel.Config, v Value) { c.Percent = float64(v.(Number)) }},
	{"self-preservation", "on|off", "SelfPreservation", protected, one(parseSwitch), func(c *leasekernel.Config, v Value) { c.SelfPreservation = bool(v.(Switch)) }},
	{"warmup", "DURATION", "Warmup", exactOnly, spans(1, 1), applySpan(func(c *leasekernel.Config) *time.Duration { return &c.Warmup })},
	{"wait-when-sync-empty", "DURATION", "WaitWhenSyncEmpty", updating, spans(1, 1), applySpan(func(c *leasekernel.Config) *time.Duration { return &c.WaitWhenSyncEmpty })},
	{"pass", "DURATION", "EvictionInterval", always, spans(1, 1), applySpan(func(c *leasekernel.Config) *time.Duration { return &c.EvictionInterval })},
	{"update", "DURATION", "UpdateInterval", updating, spans(1, 1), applySpan(func(c *leasekernel.Config) *time.Duration { return &c.UpdateInterval })},
	{"ceiling", "DURATION", "Ceiling", protected, spans(1, 1), applySpan(func(c *leasekernel.Config) *time.Duration { return &c.Ceiling })},
	{"dwell", "DURATION", "Dwell", withStage, spans(1, 1), applySpan(func(c *leasekernel.Config) *time.Duration { return &c.Dwell })},
	{"max-leases", "COUNT", "MaxLeases", always, counts(math.MaxInt32), applyCount(func(c *leasekernel.Config) *int { return &c.MaxLeases })},
	{"history", "COUNT", "History", always, counts(mostHistory), applyCount(func(c *leasekernel.Config) *int { return &c.History })},
	{"seed", "COUNT", "Seed", seeded, counts(math.MaxInt64), func(c *leasekernel.Config, v Value) { c.Seed = int64(v.(Count)) }},
}

// mostHistory keeps a slip of the finger from taking all memory: the kernel
// makes room for the whole history at once.
const mostHistory = 100_000

func always(preserve.Release) bool { return true }

func exactOnly(release preserve.Release) bool { return release == 0 }

func withStage(release preserve.Release) bool { return release == 0 || release == preserve.Nacos }

func protected(release preserve.Release) bool { return release != preserve.Nacos }

func updating(release preserve.Release) bool { return release != 0 && release != preserve.Nacos }

// seeded: Eureka's releases seed each pass with the clock (quirk E3).
func seeded(release preserve.Release) bool { return release == 0 || release == preserve.Bilibili }

func findSetting(name string) (setting, error) {
	i := slices.IndexFunc(settingsTable, func(s setting) bool { return s.name == name })
	if i < 0 {
		return setting{}, invalid("name", name, "must be "+alternatives(settingsTable, func(s setting) string { return s.name }))
	}
	return settingsTable[i], nil
}

func parseSet(words []string) (Command, error) {
	setting, err := findSetting(words[0])
	if err != nil {
		return nil, err
	}
	value, err := setting.parse(words[1:])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting.name, err)
	}
	return Set{setting.name, value}, nil
}

func spans(least, most int) func([]string) (Value, error) {
	return func(words []string) (Value, error) {
		if n := len(words); n < least || n > most {
			return nil, invalid("value", strings.Join(words, " "), "must be a duration, and of a term the interval after it if need be")
		}
		return parseSpans("value", words)
	}
}

func counts(most int64) func([]string) (Value, error) {
	return one(func(word string) (Count, error) {
		count, err := strconv.ParseInt(word, 10, 64)
		if err != nil || count > most || count < -most {
			return 0, invalid("value", word, fmt.Sprintf("must be a whole number between %d and %d", -most, most))
		}
		return Count(count), nil
	})
}

// one parses a value of one word.
func one[V Value](parse func(word string) (V, error)) func([]string) (Value, error) {
	return func(words []string) (Value, error) {
		if len(words) != 1 {
			return nil, invalid("value", strings.Join(words, " "), "must be one word")
		}
		return parse(words[0])
	}
}

func applyTerm(config *leasekernel.Config, value Value) {
	term := value.(Spans)
	config.Term.Duration = term[0]
	if len(term) == 2 {
		config.Term.Interval = term[1]
	}
}

func applySpan(field func(*leasekernel.Config) *time.Duration) func(*leasekernel.Config, Value) {
	return func(config *leasekernel.Config, value Value) { *field(config) = value.(Spans)[0] }
}

func applyCount(field func(*leasekernel.Config) *int) func(*leasekernel.Config, Value) {
	return func(config *leasekernel.Config, value Value) { *field(config) = int(value.(Count)) }
}

// config returns the preset of the rules, without settings.
func (c Rules) config() (leasekernel.Config, error) {
	if (c.Name == "eureka") != (c.Tag != "") {
		return leasekernel.Config{}, invalid("rules", strings.TrimSpace(c.Name+" "+c.Tag), "must have a release tag after eureka, such as v2.0.6, and after nothing else")
	}
	switch c.Name {
	case "exact":
		return leasekernel.Exact(), nil
	case "spring":
		return leasekernel.Spring(), nil
	case "bilibili":
		return leasekernel.Bilibili(), nil
	case "nacos":
		return leasekernel.Nacos(), nil
	case "eureka":
		release, err := preserve.ParseRelease(c.Tag)
		if err != nil || release >= preserve.Spring {
			return leasekernel.Config{}, invalid("release", c.Tag, "must be an Eureka tag from v1.2.5 to v2.0.6")
		}
		return leasekernel.Eureka(release), nil
	}
	return leasekernel.Config{}, invalid("rules", c.Name, "must be exact, eureka, spring, bilibili or nacos")
}

// settled is the Config that a script's first commands make, and which line
// set which field.
type settled struct {
	leasekernel.Config
	begun, started bool           // a command was read; one that is no setting
	lines          map[string]int // by field
}

// config returns the script's settings. It fails on settings that come too
// late, and where no registry can be made of them.
func (s Script) config() (leasekernel.Config, error) {
	settled := settled{Config: leasekernel.Exact(), lines: make(map[string]int)}
	var errs []error
	for i, line := range s {
		if err := settled.read(i+1, line.Command); err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", i+1, err))
		}
	}
	if len(errs) == 0 {
		errs = append(errs, settled.problems())
	}
	return settled.Config, errors.Join(errs...)
}

func (s *settled) read(line int, command Command) (err error) {
	switch command := command.(type) {
	case nil:
		return nil
	case Rules:
		if s.begun {
			return invalid("command", command.String(), "must be the first one")
		}
		s.Config, err = command.config()
	case Set:
		err = s.set(line, command)
	default:
		s.started = true
	}
	s.begun = true
	return err
}

func (s *settled) set(line int, command Set) error {
	setting, err := findSetting(command.Name)
	switch {
	case err != nil:
		return err
	case s.started:
		return invalid("command", command.String(), "must come before anything happens")
	case !setting.heeded(s.Release):
		return invalid("command", command.String(), "must not stand under these rules, which do not look at it")
	}
	setting.apply(&s.Config, command.Value)
	s.lines[setting.field] = line
	return nil
}

// problems returns what keeps the Config from making a kernel, each with the
// line that set the field.
func (s *settled) problems() error {
	var errs []error
	for _, problem := range s.Validate(0) {
		if problem.Severity != leasekernel.Error {
			continue
		}
		field, _, _ := strings.Cut(problem.Field, ".")
		where := "settings"
		if line, ok := s.lines[field]; ok {
			where = fmt.Sprintf("line %d", line)
		}
		errs = append(errs, fmt.Errorf("%s: %s is %s: %s", where, problem.Field, problem.Value, problem.Rule))
	}
	return errors.Join(errs...)
}

// instances is how many clients the script has in all.
func (s Script) instances() int {
	keys := make(map[string]bool)
	add := func(of Keys) {
		for _, key := range of.All() {
			keys[key] = true
		}
	}
	for _, line := range s {
		switch command := line.Command.(type) {
		case Register:
			add(command.Keys)
		case Beat:
			add(command.Keys)
		}
	}
	return len(keys)
}
