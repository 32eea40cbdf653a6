module github.com/leasekernel/leasekernel/lab

go 1.25

require (
	github.com/jedib0t/go-pretty/v6 v6.8.3
	github.com/leasekernel/leasekernel v0.0.0
	github.com/leasekernel/leasekernel/fuzz v0.0.0
	github.com/schollz/progressbar/v3 v3.18.0
	github.com/spf13/cobra v1.10.2
	golang.org/x/sync v0.18.0
	golang.org/x/term v0.40.0
	golang.org/x/tools v0.39.0
)

require (
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/mattn/go-runewidth v0.0.16 // indirect
	github.com/mitchellh/colorstring v0.0.0-20190213212951-d06e56a500db // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	golang.org/x/sys v0.41.0 // indirect
	golang.org/x/text v0.22.0 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)

replace (
	github.com/leasekernel/leasekernel => ../
	github.com/leasekernel/leasekernel/fuzz => ../fuzz
)
