package memview

import (
	"crypto/sha256"
	"fmt"
	"io"
	"reflect"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/internal/snapshot"
)

// A snapshot's body, all numbers little-endian:
//
//	for each shard:
//	  edges    count: 4 bytes, then each 28 bytes, in order, as edge has them
//	  former   the same
//	for users and for groups:
//	  list     count: 4 bytes, then each 4 bytes: its node, in the order of the ids
//	nodes      count: 4 bytes, then shard by shard, each:
//	  id       16 bytes
//	  rows     the user's and the group's: length 4 bytes and bytes, as row.go has them
//	names      count: 4 bytes, then each: length 4 bytes and bytes
//	keys       count: 4 bytes, then each as key_row.go has it
//
// It is taken shard by shard while commits are applied, so its parts are of
// different instants, none earlier than its position. Edges come first and nodes
// after them, so that every node that an edge names is there. What follows from
// edges and rows (the index, back references, revisions, chores) is not kept:
// Load works it out, and so mends what did not fit together.

const (
	snapshotName   = "memview"
	snapshotFormat = 2
)

// fingerprint names what a snapshot's rows depend on: their form, what they hold,
// and whose they are.
func (v *View) fingerprint() string {
	shapes := ""
	for _, row := range []any{domain.User{}, domain.Group{}, domain.Membership{}, domain.APIKey{}} {
		shapes += shape(reflect.TypeOf(row))
	}
	return fmt.Sprintf("memview %d, %x, %s", snapshotFormat, sha256.Sum256([]byte(shapes)), v.options.Source)
}

// shape spells out a struct's fields, so that a row with more or other ones is
// told apart.
func shape(of reflect.Type) string {
	text := of.Name() + "{"
	for i := range of.NumField() {
		if field := of.Field(i); field.Anonymous && field.Type.Kind() == reflect.Struct {
			text += shape(field.Type)
		} else {
			text += field.Name + " " + field.Type.String() + ";"
		}
	}
	return text + "}"
}

// Save writes a snapshot into a directory, for Load. Commits may be applied
// meanwhile; no lock is held for longer than copying a shard's edges takes.
// Loaded, the view shows at least what it showed when Save was called, and rests
// on the position that it rested on then.
func (v *View) Save(dir string) error {
	return snapshot.Write(dir, v.options.Name, v.fingerprint(), v.Applied(), v.save)
}

// Load makes the view what the newest good snapshot in a directory says, and
// gives the position that it rests on. Applying every commit after that position,
// each to a row that does not have it yet, makes the view what applying all
// commits would. Without a good snapshot the view is empty and found is false;
// those that could not be used are told to Options.Logger. Nothing else may use
// the view meanwhile.
func (v *View) Load(dir string) (position uint64, found bool, err error) {
	warn := func(file string, reason error) {
		v.options.Logger.Warn("snapshot passed over", "file", file, "reason", reason)
	}
	position, found, err = snapshot.Load(dir, v.options.Name, v.fingerprint(), warn, func(position uint64, body io.Reader) error {
		v.reset()
		v.applied.Store(position)
		return v.load(body)
	})
	if !found {
		v.reset()
	}
	return position, found, err
}
