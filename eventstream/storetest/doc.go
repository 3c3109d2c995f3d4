// Package storetest holds every backend of eventstream to the same promises.
//
// A backend's whole conformance test is one call of Run with a Harness. Each
// subtest is one sentence of the contract of eventstream.Store, Log or Observer
// and gets a store of its own; then come a random history, compared step by step
// with the store in memory, and a check that what concurrent writers and readers
// saw could have happened one by one. Faulty is a store that loses requests and
// replies, for tests of what stands above stores.
package storetest
