// Command bench measures identity beside a floor server, on one machine, with
// the same load generator, in turns. See `go run ./internal/bench --help`, and
// package load for how the load is made.
//
// The figures are ratios: the generator, the floor and identity share the cores.
package main
