package querysync

import (
	"encoding/json"
	"fmt"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// The event that the streams changes/{n} are made of, in the form of every other
// event: the row of a stream is at a number, or beyond.
const (
	noticeType    = "SetRow"
	noticeVersion = 1
)

// notice is an event of changes/{n}.
type notice struct {
	Type    string     `json:"type"`
	Version int        `json:"v"`
	Data    noticeData `json:"data"`
}

type noticeData struct {
	Stream eventstream.StreamID `json:"stream"`
	Seq    eventstream.Seq      `json:"seq"`
	After  eventstream.Seq      `json:"after,omitempty"`
}

// Notice says that the row of a stream is at a number, or beyond.
type Notice struct {
	eventstream.Position
	// After is a number up to which the row was announced before: the notices of a
	// stream, each with the commits after After up to Seq, cover every commit that is
	// announced. They may overlap, and some cover none.
	After eventstream.Seq
}

// Positions are what notices tell of, without the commits that they cover.
func Positions(notices []Notice) []eventstream.Position {
	positions := make([]eventstream.Position, len(notices))
	for i := range notices {
		positions[i] = notices[i].Position
	}
	return positions
}

// maxNotices is the most notices of one commit: below its limits, with stream ids
// of full length.
const maxNotices = 200

func encodeNotices(told []Notice) ([]byte, error) {
	notices := make([]notice, len(told))
	for i, n := range told {
		notices[i] = notice{noticeType, noticeVersion, noticeData{n.Stream, n.Seq, n.After}}
	}
	return json.Marshal(notices)
}

// DecodeNotices gives what a commit of changes/{n} tells of: rows that are at
// those numbers or beyond.
func DecodeNotices(commit *eventstream.Commit) ([]Notice, error) {
	var notices []notice
	if err := json.Unmarshal(commit.Data, &notices); err != nil {
		return nil, fmt.Errorf("%w: commit %d of %s: %w", eventstream.ErrCorrupt, commit.Seq, commit.Stream, err)
	}
	told := make([]Notice, len(notices))
	for i, n := range notices {
		if n.Type != noticeType || n.Version != noticeVersion {
			return nil, fmt.Errorf("commit %d of %s: an event %q of version %d is not known", commit.Seq, commit.Stream, n.Type, n.Version)
		}
		told[i] = Notice{eventstream.Position{Stream: n.Data.Stream, Seq: n.Data.Seq}, n.Data.After}
	}
	return told, nil
}

// DecodePositions is Positions of what DecodeNotices gives.
func DecodePositions(commit *eventstream.Commit) ([]eventstream.Position, error) {
	notices, err := DecodeNotices(commit)
	return Positions(notices), err
}
