package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/klauspost/cpuid/v2"
	"github.com/leasekernel/leasekernel/bench/load"
	"github.com/leasekernel/leasekernel/bench/peer"
	"github.com/leasekernel/leasekernel/bench/report"
	"github.com/schollz/progressbar/v3"
)

// run does all jobs, each in a process of its own.
func (o options) run(ctx context.Context, stderr io.Writer) (report.Run, error) {
	jobs := o.jobs()
	if len(jobs) == 0 {
		return report.Run{}, errors.New("there is nothing to measure: no peer has these names and workloads")
	}
	run := describe(ctx)
	bar := barOf(stderr, jobs)
	round := -1
	for _, job := range jobs {
		bar.Describe(fmt.Sprintf("round %d of %d, %s", job.Round+1, o.Rounds, job.Peer))
		if job.Round != round && !isTerminal(stderr) {
			fmt.Fprintf(stderr, "bench: round %d of %d, after %v\n", job.Round+1, o.Rounds, time.Since(run.Began).Round(time.Second))
		}
		round = job.Round
		samples, err := inProcess(ctx, job)
		if err != nil {
			return report.Run{}, err
		}
		run.Samples = append(run.Samples, samples...)
		_ = bar.Add(weight(job))
	}
	run.Took = time.Since(run.Began).Round(time.Second)
	return run, nil
}

// inProcess does a job in another process.
func inProcess(ctx context.Context, job load.Job) ([]report.Sample, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	told, err := json.Marshal(job)
	if err != nil {
		return nil, err
	}
	var said bytes.Buffer
	command := exec.CommandContext(ctx, self, "measure")
	command.Stdin = bytes.NewReader(told)
	command.Stderr = &said
	answer, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("measuring %s: %w: %s", told, err, strings.TrimSpace(said.String()))
	}
	var samples []report.Sample
	if err := json.Unmarshal(answer, &samples); err != nil {
		return nil, fmt.Errorf("measuring %s: %w", told, err)
	}
	return samples, nil
}

// barOf shows how far a run is and how long it will take, on a terminal.
func barOf(stderr io.Writer, jobs []load.Job) *progressbar.ProgressBar {
	sum := 0
	for _, job := range jobs {
		sum += weight(job)
	}
	if !isTerminal(stderr) {
		return progressbar.DefaultSilent(int64(sum))
	}
	return progressbar.NewOptions(sum,
		progressbar.OptionSetWriter(stderr),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionShowElapsedTimeOnFinish(),
		progressbar.OptionClearOnFinish())
}

// weight is about how long a job takes, compared with others.
func weight(job load.Job) int { return 10 + job.Leases/10_000 }

// describe says where and of what a run is.
func describe(ctx context.Context) report.Run {
	run := report.Run{
		Began:   time.Now().UTC().Truncate(time.Second),
		Command: "go run ./bench " + strings.Join(os.Args[1:], " "),
		Go:      runtime.Version(),
		OS:      runtime.GOOS,
		Arch:    runtime.GOARCH,
		CPU:     fmt.Sprintf("%s, family %d", cpuid.CPU.BrandName, cpuid.CPU.Family),
		Cores:   runtime.NumCPU(),
		Modules: versions(),
	}
	if commit, err := git(ctx, "rev-parse", "--short=10", "HEAD"); err == nil {
		changes, err := git(ctx, "status", "--porcelain")
		run.Commit, run.Modified = commit, err != nil || changes != ""
	}
	return run
}

func git(ctx context.Context, args ...string) (string, error) {
	output, err := exec.CommandContext(ctx, "git", args...).Output()
	return strings.TrimSpace(string(output)), err
}

// versions are those of the peers' modules.
func versions() map[string]string {
	built, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	of := make(map[string]string)
	for _, module := range built.Deps {
		of[module.Path] = module.Version
	}
	versions := make(map[string]string)
	for _, p := range peer.All() {
		if p.Module != "" {
			versions[p.Module] = of[p.Module]
		}
	}
	for _, m := range peer.Meters() {
		if m.Module != "" {
			versions[m.Module] = of[m.Module]
		}
	}
	return versions
}
