package main

import "github.com/leasekernel/leasekernel/bench/report"

func writePage(run report.Run, file string) error { return nil }
