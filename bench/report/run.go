// Package report keeps what the benchmarks measured: as JSON, as tables, as
// plots, as a page; and compares two runs.
package report

import "time"

// A Run is what one call of the command measured.
type Run struct {
	Began    time.Time         `json:"began"`
	Took     time.Duration     `json:"took_ns"`
	Command  string            `json:"command"`
	Commit   string            `json:"commit"`
	Modified bool              `json:"modified,omitempty"` // the tree had changes that no commit has
	Go       string            `json:"go"`
	OS       string            `json:"os"`
	Arch     string            `json:"arch"`
	CPU      string            `json:"cpu"`
	Cores    int               `json:"cores"`
	Modules  map[string]string `json:"modules"` // versions by path
	Samples  []Sample          `json:"samples"`
}

// A Sample is one measurement of one peer under one workload, in one process
// of its own.
type Sample struct {
	Case
	Peer  string  `json:"peer"`
	Round int     `json:"round"`
	Value float64 `json:"value"`

	// Load is how many processors the process used while it was measured,
	// on average. Where Procs is 2 and nothing blocks, much less than 2
	// says that others wanted the processors too.
	Load float64 `json:"load,omitempty"`
}

// A Case is a row of a table: what is measured, the same for all peers.
type Case struct {
	Workload string `json:"workload"`          // such as "renew"
	Metric   string `json:"metric"`            // such as "ns/op", "p99.9-ns", "B/lease"; less is better
	Leases   int    `json:"leases,omitempty"`  // how many there are
	Procs    int    `json:"procs"`             // GOMAXPROCS
	Clock    bool   `json:"clock,omitempty"`   // a clock is read for each operation, by the peer or for it
	Variant  string `json:"variant,omitempty"` // such as "zipf"
}
