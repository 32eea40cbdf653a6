package verify

// A HouseLaw is a law of the whole project, and what looks for violations of
// it: laws by name, and steps.
type HouseLaw struct {
	Text  string
	Laws  []string
	Steps []string
}

// House is all of them.
func House() []HouseLaw {
	return []HouseLaw{
		{Text: "Time is an argument: no kernel reads a clock, starts a goroutine, sleeps, logs or keeps global state; randomness comes in as a source.", Steps: []string{"house"}},
		{Text: "Instant zero is an ordinary instant, and so are those before it and beyond 2262.", Laws: []string{"lease-facts-are-true", "table-facts-are-true", "kernel-as-modelled", "rotates-when-over", "sliding-counts-all"}},
		{Text: "One atomic word decides renew against evict: a renewal that was answered is never lost, and one after the end says false.", Laws: []string{"lease-linearizable", "table-linearizable", "evicts-what-was-seen", "renewal-rescues", "rescued-or-evicted", "answered-is-alive"}},
		{Text: "Exactly once: each lease that leaves does so once, with one reason, and every count moves with it once.", Laws: []string{"exactly-one-end", "changes-told-once", "departs-once", "changes-add-up", "expectation-adds-up"}},
		{Text: "No early eviction: an exact lease is never evicted before its term and its grace are over.", Laws: []string{"never-expired-early", "never-evicted-early", "passes-keep-their-due"}},
		{Text: "Determinism: the same calls with the same instants and the same seed give the same results.", Laws: []string{"evicts-who-is-drawn", "finds-who-is-silent", "numbers-rise", "picks-by-shuffle"}},
		{Text: "Renew never waits: a pass can make a renewal try again, never wait.", Laws: []string{"never-waits"}},
		{Text: "Faithful means bit-exact to the recordings of the real registries.", Steps: []string{"recordings", "quirks"}},
		{Text: "Bad input gets an error that names the field, the value and the rule, all problems at once.", Laws: []string{"names-every-problem", "refuses-only-bad-input", "refusal-changes-nothing"}},
		{Text: "One value tells the truth: the gate, the status and the explanation go by one decision.", Laws: []string{"one-decision", "decision-is-true", "explains-exactly"}},
	}
}
