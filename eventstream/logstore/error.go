package logstore

import (
	"errors"
	"fmt"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// ErrLocked tells that another process, or another Store of this one, has the
// directory.
var ErrLocked = errors.New("log directory in use")

// CorruptError tells what is damaged or missing. It is eventstream.ErrCorrupt.
type CorruptError struct {
	// File is the file's name within the directory, Offset the place in it, in
	// bytes.
	File   string
	Offset int64
	// Position is that of the first transaction that is affected; 0 if it cannot
	// be told.
	Position uint64
	// Reason says what was found.
	Reason string
}

// Error says it all in a line.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s, offset %d, position %d: %s", e.File, e.Offset, e.Position, e.Reason)
}

// Is makes every CorruptError an eventstream.ErrCorrupt.
func (e *CorruptError) Is(target error) bool { return target == eventstream.ErrCorrupt }
