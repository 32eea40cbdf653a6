// Package fuzz is the tests of the kernels that need modules which the kernels
// themselves must not depend on: properties against deliberately naive models
// (rapid), concurrent histories (porcupine), a foreign clock
// (benbjohnson/clock), and the replay of recordings of the real Eureka,
// Nacos and bilibili/discovery.
//
// It is a module of its own so that none of them reaches whoever embeds a
// kernel. There is nothing in it to import but the package replay.
package fuzz
