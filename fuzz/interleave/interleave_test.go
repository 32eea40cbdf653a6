package interleave

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// A toy is a machine of few words, on which small programs run.
type toy struct {
	x     *Explorer
	words [3]int
	mutex struct{ locked bool }
	ended [toyThreads]int
	log   [toyThreads][]int // what each thread has read
}

const toyThreads = 3

// A toyStep is one step of a program, or a few.
type toyStep struct {
	what  string
	word  int
	value int
}

var toySteps = []string{"load", "store", "add", "cas", "locked add", "trylock add", "wait"}

func (m *toy) step(operation string, word *int) { m.x.Step(operation, unsafe.Pointer(word)) }

func (m *toy) note(thread, value int) { m.log[thread] = append(m.log[thread], value) }

func (m *toy) lock(operation string) (ok bool) {
	m.x.Step(operation, unsafe.Pointer(&m.mutex))
	if m.mutex.locked {
		m.x.Step("failed", unsafe.Pointer(&m.mutex))
		return false
	}
	m.mutex.locked = true
	return true
}

func (m *toy) unlock() {
	m.x.Step("unlock", unsafe.Pointer(&m.mutex))
	m.mutex.locked = false
}

func (m *toy) do(thread int, s toyStep) {
	word := &m.words[s.word]
	switch s.what {
	case "load":
		m.step("load", word)
		m.note(thread, *word)
	case "store":
		m.step("store", word)
		*word = s.value
	case "add":
		m.step("add", word)
		*word += s.value
		m.note(thread, *word)
	case "cas":
		m.step("cas", word)
		if *word != 0 {
			m.step("failed", word)
			m.note(thread, -1)
		} else {
			*word = s.value
		}
	case "locked add":
		m.lock("lock")
		m.do(thread, toyStep{"load", s.word, 0})
		m.do(thread, toyStep{"store", s.word, m.words[s.word] + s.value})
		m.unlock()
	case "trylock add":
		if m.lock("trylock") {
			m.do(thread, toyStep{"add", s.word, s.value})
			m.unlock()
		} else {
			m.note(thread, -2)
		}
	case "wait":
		m.wait(thread, word)
	}
}

// wait waits for a word to be written, or for the threads before to end: they
// do not wait for this one.
func (m *toy) wait(thread int, word *int) {
	for {
		m.step("load", word)
		if *word != 0 {
			m.note(thread, *word)
			return
		}
		done := 0
		for before := range thread {
			m.step("load", &m.ended[before])
			done += m.ended[before]
		}
		if done == thread {
			return
		}
		m.x.Step("spin", nil)
	}
}

func (m *toy) run(thread int, steps []toyStep) func() {
	return func() {
		for _, s := range steps {
			m.do(thread, s)
		}
		m.step("store", &m.ended[thread])
		m.ended[thread] = 1
	}
}

// outcomes explores a program and returns what it can come to.
func outcomes(x *Explorer, program [][]toyStep) (found map[string]bool, result Result) {
	found = make(map[string]bool)
	x.Program = func() Program {
		m := &toy{x: x}
		var threads []func()
		for number, steps := range program {
			threads = append(threads, m.run(number, steps))
		}
		return Program{Threads: threads, Judge: func() error {
			found[fmt.Sprint(m.words, m.log)] = true
			return nil
		}}
	}
	return found, x.Explore()
}

func drawToys() *rapid.Generator[[][]toyStep] {
	step := rapid.Custom(func(t *rapid.T) toyStep {
		return toyStep{
			what:  rapid.SampledFrom(toySteps).Draw(t, "what"),
			word:  rapid.IntRange(0, 2).Draw(t, "word"),
			value: rapid.IntRange(1, 3).Draw(t, "value"),
		}
	})
	return rapid.SliceOfN(rapid.SliceOfN(step, 1, 2), 2, toyThreads)
}

// mostPlain is how many schedules of a toy are run at most: those that have more
// are not compared.
const mostPlain = 30_000

// The reduced search finds whatever the search of all schedules finds, with at
// most as many executions.
func TestReductionMissesNothing(t *testing.T) {
	compared := 0
	rapid.Check(t, func(t *rapid.T) {
		program := drawToys().Draw(t, "program")
		all, plain := outcomes(&Explorer{Plain: true, Most: mostPlain}, program)
		if plain.Failure != nil {
			t.Fatal(plain.Failure)
		}
		if !plain.Complete {
			return
		}
		compared++
		reduced, result := outcomes(&Explorer{}, program)
		if result.Failure != nil || !result.Complete {
			t.Fatalf("%v: %v", result, result.Failure)
		}
		if !maps.Equal(all, reduced) {
			t.Fatalf("%v: got %d outcomes, want %d, such as %v", result, len(reduced), len(all), missing(all, reduced))
		}
		if result.Executions > plain.Executions {
			t.Fatalf("got %v, want at most %v", result, plain)
		}
	})
	if compared == 0 {
		t.Error("got no program that was compared")
	}
}

func missing(all, reduced map[string]bool) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(outcome string) bool { return reduced[outcome] })
}

// A relation that lacks one kind of dependence makes the search miss outcomes:
// otherwise the comparison above would compare nothing.
func TestBrokenDependenceIsNoticed(t *testing.T) {
	for name, broken := range map[string]struct {
		forget  func(*relation)
		program [][]toyStep
	}{
		"loads of stores":  {func(r *relation) { r[load][loud] = false }, [][]toyStep{{{"store", 0, 1}}, {{"load", 0, 0}}}},
		"stores of loads":  {func(r *relation) { r[store][quiet] = false }, [][]toyStep{{{"load", 0, 0}}, {{"store", 0, 1}}}},
		"stores of stores": {func(r *relation) { r[store][loud] = false }, [][]toyStep{{{"store", 0, 1}}, {{"store", 0, 2}}}},
		"locks of locks":   {func(r *relation) { r[lock][loud] = false }, [][]toyStep{{{"locked add", 0, 1}}, {{"locked add", 0, 2}}}},
		"trylocks":         {func(r *relation) { r[trylock][loud], r[load][loud] = false, false }, [][]toyStep{{{"locked add", 0, 1}}, {{"trylock add", 0, 2}}}},
		"waits":            {func(r *relation) { r[spin][loud] = false; r[load][loud] = false }, [][]toyStep{{{"add", 0, 1}, {"add", 0, 1}}, {{"wait", 0, 0}}}},
	} {
		all, _ := outcomes(&Explorer{Plain: true}, broken.program)
		relation := dependence()
		whole, _ := outcomes(&Explorer{relation: relation}, broken.program)
		broken.forget(relation)
		part, _ := outcomes(&Explorer{relation: relation}, broken.program)
		if !maps.Equal(all, whole) || maps.Equal(all, part) {
			t.Errorf("%s: got %d outcomes with the true relation and %d with the broken one, of %d", name, len(whole), len(part), len(all))
		}
	}
}

// Of programs whose schedules can be counted by hand, one of each that are
// equivalent is run.
func TestExecutionsAreCounted(t *testing.T) {
	store, load := []toyStep{{"store", 0, 1}}, []toyStep{{"load", 0, 0}}
	for name, row := range map[string]struct {
		program [][]toyStep
		plain   int
		reduced int
	}{
		"one thread":           {[][]toyStep{store}, 1, 1},
		"two words":            {[][]toyStep{{{"store", 0, 1}}, {{"store", 1, 1}}}, 6, 1},
		"two who only look":    {[][]toyStep{load, load}, 6, 1},
		"two who write":        {[][]toyStep{store, store}, 6, 2},
		"three who write":      {[][]toyStep{store, store, store}, 90, 6},
		"one and two who look": {[][]toyStep{store, load, load}, 90, 4},
	} {
		_, plain := outcomes(&Explorer{Plain: true}, row.program)
		_, reduced := outcomes(&Explorer{}, row.program)
		if plain.Executions != row.plain || reduced.Executions != row.reduced {
			t.Errorf("%s: got %v and %v, want %d and %d executions", name, plain, reduced, row.plain, row.reduced)
		}
	}
}

// Two threads that increment by loading and storing lose an increment only if
// one of them is stopped in between.
func TestPreemptionsAreBounded(t *testing.T) {
	torn := []toyStep{{"load", 0, 0}, {"store", 0, 1}}
	const unbounded = 20 // of two threads with three steps each, how the steps of one lie among those of the other
	last := 0
	for bound, want := range []int{unbounded, 6, 14, 18, 20} {
		_, result := outcomes(&Explorer{Plain: true, Preemptions: bound}, [][]toyStep{torn, torn})
		if !result.Complete || result.Executions != want {
			t.Errorf("at most %d preemptions (0: any): got %v, want %d executions", bound, result, want)
		}
		last = result.Executions
	}
	if last != unbounded {
		t.Errorf("got %d executions with the greatest bound, want all %d", last, unbounded)
	}
}

// A call that returned before another began is told from one that did not.
func TestHistoriesAreTold(t *testing.T) {
	x, orders := &Explorer{}, make(map[string]bool)
	x.Program = func() Program {
		var order []string
		call := func(name string) func() {
			return func() {
				x.Began()
				order = append(order, name+" begins")
				x.Returned()
				order = append(order, name+" returns")
			}
		}
		return Program{Threads: []func(){call("a"), call("b")}, Judge: func() error {
			returned, begun := slices.Index(order, "a returns"), slices.Index(order, "b begins")
			orders[fmt.Sprint("a first: ", returned < begun)] = true
			returned, begun = slices.Index(order, "b returns"), slices.Index(order, "a begins")
			orders[fmt.Sprint("b first: ", returned < begun)] = true
			return nil
		}}
	}
	result := x.Explore()
	if result.Executions != 3 || len(orders) != 4 {
		t.Errorf("got %v and %v, want one execution in either order and one with both at once", result, orders)
	}
}

var errLost = errors.New("an increment is lost")

// A failure tells its schedule: which thread does what, and where.
func TestFailureTellsItsSchedule(t *testing.T) {
	x := &Explorer{}
	x.Program = func() Program {
		m := &toy{x: x}
		torn := func() {
			m.step("load", &m.words[0])
			seen := m.words[0]
			m.step("store", &m.words[0])
			m.words[0] = seen + 1
		}
		return Program{Threads: []func(){torn, torn}, Judge: func() error {
			if m.words[0] != 2 {
				return errLost
			}
			return nil
		}}
	}
	result := x.Explore()
	if !errors.Is(result.Failure, errLost) || len(result.Failure.Schedule) != 4 || result.Complete {
		t.Fatalf("got %v, %v", result, result.Failure)
	}
	if line := result.Failure.Schedule[0]; !strings.Contains(line, "load") {
		t.Errorf("got %q, want it to say load", line)
	}
	if again := x.Explore(); again.Failure.Error() != result.Failure.Error() {
		t.Errorf("got %v and then %v", result.Failure, again.Failure)
	}
}

func TestWhoWaitsForEachOtherIsTold(t *testing.T) {
	x := &Explorer{}
	x.Program = func() Program {
		var words [2]int
		lock := func(first, second int) func() {
			return func() {
				for _, word := range []int{first, second} {
					x.Step("lock", unsafe.Pointer(&words[word]))
				}
				for _, word := range []int{first, second} {
					x.Step("unlock", unsafe.Pointer(&words[word]))
				}
			}
		}
		return Program{Threads: []func(){lock(0, 1), lock(1, 0)}, Judge: func() error { return nil }}
	}
	if result := x.Explore(); result.Failure == nil || !strings.Contains(result.Failure.Error(), "nobody can go on: thread 0 waits to lock, thread 1 waits to lock") {
		t.Errorf("got %v: %v, want that both wait", result, result.Failure)
	}
}

func TestWhoNeverGetsOnIsTold(t *testing.T) {
	x, word := &Explorer{}, 0
	for what, program := range map[string]Program{
		"nobody gets on": {Threads: []func(){func() {
			for {
				x.Step("load", unsafe.Pointer(&word))
			}
		}}},
		"waits to spin": {Threads: []func(){func() {
			for {
				x.Step("load", unsafe.Pointer(&word))
				x.Step("spin", nil)
			}
		}}},
		"thread 0 panics: 1": {Threads: []func(){func() { panic(1) }}},
	} {
		x.Program = func() Program { return program }
		if result := x.Explore(); result.Failure == nil || !strings.Contains(result.Failure.Error(), what) {
			t.Errorf("got %v: %v, want %q", result, result.Failure, what)
		}
	}
}
