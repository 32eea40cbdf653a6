package main

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/leasekernel/leasekernel/bench/load"
	"github.com/spf13/pflag"
)

// options say what a run measures.
type options struct {
	Leases    []int         // with so many leases everything is measured
	Scale     []int         // with so many, what shows how costs grow
	Peers     []string      // nil for all
	Workloads []string      // nil for all
	Procs     []int         // values of GOMAXPROCS
	Time      time.Duration // of a measurement
	Rounds    int
}

var (
	standard = options{Leases: []int{10_000, 1_000_000}, Scale: []int{1_000, 100_000}, Procs: processors(), Time: 150 * time.Millisecond, Rounds: 6}
	quickly  = options{Leases: []int{100_000}, Procs: processors(), Time: 40 * time.Millisecond, Rounds: 2}
	largely  = options{Leases: []int{10_000_000}, Workloads: growing, Procs: processors(), Time: 150 * time.Millisecond, Rounds: 2}
)

// processors are 1, 2, 4 and so on, up to what the machine has.
func processors() []int {
	procs := []int{1}
	for n := 2; n <= runtime.NumCPU(); n *= 2 {
		procs = append(procs, n)
	}
	return procs
}

func (o *options) define(flags *pflag.FlagSet) {
	flags.IntSliceVar(&o.Leases, "leases", o.Leases, "measure everything with so many leases")
	flags.IntSliceVar(&o.Scale, "scale", o.Scale, "measure with so many how costs grow")
	flags.StringSliceVar(&o.Peers, "peers", nil, "only these peers")
	flags.StringSliceVar(&o.Workloads, "workloads", nil, "only these workloads")
	flags.IntSliceVar(&o.Procs, "procs", o.Procs, "values of GOMAXPROCS")
	flags.DurationVar(&o.Time, "time", o.Time, "what a measurement takes")
	flags.IntVar(&o.Rounds, "rounds", o.Rounds, "how often everything is measured")
}

// butFor returns the other options in place of those that no flag has set.
func (o options) butFor(flags *pflag.FlagSet, other options) options {
	set := flags.Changed
	if !set("leases") {
		o.Leases = other.Leases
	}
	if !set("scale") {
		o.Scale = other.Scale
	}
	if !set("workloads") {
		o.Workloads = other.Workloads
	}
	if !set("time") {
		o.Time = other.Time
	}
	if !set("rounds") {
		o.Rounds = other.Rounds
	}
	return o
}

// growing are the workloads that show how costs grow.
var growing = []string{"renew", "handle", "memory", "alive"}

// jobs are what the run does, in this order. In each round the peers come in
// another order: one that always came after the same one would always find the
// machine as that leaves it.
func (o options) jobs() []load.Job {
	var jobs []load.Job
	for round := range o.Rounds {
		jobs = append(jobs, o.jobsOf(load.Meters, 0, round, o.Procs, []string{"count"})...)
		if len(o.Procs) > 1 {
			jobs = append(jobs, o.jobsOf(load.Machine, 0, round, o.Procs, []string{"transfer"})...)
		}
		for _, leases := range o.Leases {
			for _, kind := range []load.Kind{load.Registries, load.Steps, load.Floors} {
				jobs = append(jobs, o.jobsOf(kind, leases, round, o.Procs, o.Workloads)...)
			}
		}
		for _, leases := range o.Scale {
			if slices.Contains(o.Leases, leases) {
				continue // measured already
			}
			for _, kind := range []load.Kind{load.Registries, load.Floors} {
				jobs = append(jobs, o.jobsOf(kind, leases, round, o.Procs[:1], growing)...)
			}
		}
	}
	return jobs
}

func (o options) jobsOf(kind load.Kind, leases, round int, procs []int, workloads []string) []load.Job {
	if o.Workloads != nil {
		workloads = slices.DeleteFunc(slices.Clone(o.Workloads), func(name string) bool {
			return workloads != nil && !slices.Contains(workloads, name)
		})
		if !slices.ContainsFunc(workloads, kind.Has) {
			return nil
		}
	}
	var jobs []load.Job
	for _, peer := range kind.Names() {
		if o.Peers == nil || slices.Contains(o.Peers, peer) {
			jobs = append(jobs, load.Job{Kind: kind, Peer: peer, Leases: leases, Procs: procs, Workloads: workloads, Time: o.Time, Round: round})
		}
	}
	rand.New(rand.NewPCG(uint64(round), uint64(leases))).Shuffle(len(jobs), func(i, j int) { jobs[i], jobs[j] = jobs[j], jobs[i] })
	return jobs
}
