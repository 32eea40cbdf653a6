// Package fuzz has a deliberately naive model of every kernel, and machines
// that drive a kernel and its model through the same calls and compare what
// they show after each. They need modules which the kernels themselves must
// not depend on, so this is a module of its own: none of them reaches whoever
// embeds a kernel.
//
// Its tests let rapid draw what the machines do, judge concurrent histories
// (porcupine), drive kernels by a foreign clock (benbjohnson/clock), and replay
// recordings of the real Eureka, Nacos and bilibili/discovery. To import there
// is [Machines], whose runs are written and read by package trace, and package
// replay.
package fuzz
