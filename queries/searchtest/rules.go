package searchtest

import (
	"testing"
)

func testScripts(t *testing.T, f *fixture)         {}
func testTiers(t *testing.T, f *fixture)           {}
func testFilters(t *testing.T, f *fixture)         {}
func testSorting(t *testing.T, f *fixture)         {}
func testRevisions(t *testing.T, f *fixture)       {}
func testPlaces(t *testing.T, f *fixture)          {}
func testWalkUnderWrites(t *testing.T, f *fixture) {}
func testRefusals(t *testing.T, f *fixture)        {}
