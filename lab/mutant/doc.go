// Package mutant makes small faults in Go sources, one at a time, and sees
// whether the tests of their own package notice.
//
// It is not one of the ready mutation testers because those judge by the exit
// status of go test alone. That status is the same for a fault that does not
// compile and for one that a test has seen, and they leave out the conditions
// of case clauses, which no block of a cover profile holds. Here building and
// running are two steps, and only what a profile holds without a count is left
// out as not covered.
package mutant
