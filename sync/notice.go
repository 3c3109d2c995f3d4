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
}

// maxNotices is the most notices of one commit: below its limits, with stream ids
// of full length.
const maxNotices = 200

func encodeNotices(positions []eventstream.Position) ([]byte, error) {
	notices := make([]notice, len(positions))
	for i, position := range positions {
		notices[i] = notice{noticeType, noticeVersion, noticeData{position.Stream, position.Seq}}
	}
	return json.Marshal(notices)
}

// DecodeNotices gives what a commit of changes/{n} tells of: rows that are at
// those numbers or beyond.
func DecodeNotices(commit *eventstream.Commit) ([]eventstream.Position, error) {
	var notices []notice
	if err := json.Unmarshal(commit.Data, &notices); err != nil {
		return nil, fmt.Errorf("%w: commit %d of %s: %w", eventstream.ErrCorrupt, commit.Seq, commit.Stream, err)
	}
	positions := make([]eventstream.Position, len(notices))
	for i, n := range notices {
		if n.Type != noticeType || n.Version != noticeVersion {
			return nil, fmt.Errorf("commit %d of %s: an event %q of version %d is not known", commit.Seq, commit.Stream, n.Type, n.Version)
		}
		positions[i] = eventstream.Position{Stream: n.Data.Stream, Seq: n.Data.Seq}
	}
	return positions, nil
}
