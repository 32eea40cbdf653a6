module github.com/leasekernel/leasekernel/examples

go 1.25

require github.com/leasekernel/leasekernel v0.0.0

replace github.com/leasekernel/leasekernel => ../
