module github.com/leasekernel/leasekernel

go 1.25
