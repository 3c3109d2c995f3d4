package storetest

import (
	"strings"
	"testing"

	"github.com/seed5b6a70b4/identity/eventstream"
)

var streamIDSentences = []sentence{
	{says: "stream ids are compared byte by byte", test: testStreamIDs},
	{says: "a stream id that is not UTF-8, empty or too long names no stream to read", test: testOddIDsRead},
}

func testStreamIDs(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	streams := []eventstream.StreamID{
		"user/a", "user/A", "User/a", "USER/A",
		"user/é", "user/e\u0301", // one letter, composed and not
		"user/ﬁ", "user/fi", "user/Ｆi",
		"user/ß", "user/ss", "user/ẞ", "user/ı", "user/i", "user/İ",
		"user/", "user", "/", "//", "user/a/", "/user/a", "user//a",
		" ", "user/a ", " user/a", "user/\x00", "user/\x00\x00", "user/a\x00", "user/\n", "user/\t", "user/%61", "user/..", "user/../user/a",
		"user/0", "user/00", "user/-0", "user/\ufeffa", "user/a\u200d", "user/𝐚", "nesting", "store",
		eventstream.StreamID(strings.Repeat("x", eventstream.MaxStreamID)),
		eventstream.StreamID(strings.Repeat("x", eventstream.MaxStreamID-1)),
		eventstream.StreamID(strings.Repeat("€", eventstream.MaxStreamID/3)),
	}
	for _, stream := range streams {
		s.write(entry(stream, eventstream.Empty(), string(stream)))
	}
	recent := s.recent(noon.AddDate(-1, 0, 0))
	for _, stream := range streams {
		commits := s.read(stream, 0)
		if len(commits) != 1 || commits[0].Stream != stream || string(commits[0].Data) != string(stream) {
			t.Errorf("stream %q holds %+v, want its own commit only", stream, commits)
		}
		if recent[stream] != 1 {
			t.Errorf("recent gives %d for stream %q, want 1", recent[stream], stream)
		}
	}
}

func testOddIDsRead(t *testing.T, h Harness) {
	s := open(t, h, Options{})
	s.fill("x", 1)
	for _, stream := range []eventstream.StreamID{"", "\xff", "user/\xc3\x28", eventstream.StreamID(strings.Repeat("x", eventstream.MaxStreamID+1))} {
		commits, err := readAll(t.Context(), s, stream, 0)
		if err != nil || len(commits) > 0 {
			t.Errorf("read of %.9q: %d commits, %v; want none", stream, len(commits), err)
		}
		if last, err := s.Last(t.Context(), stream); err != nil || last.Seq != 0 {
			t.Errorf("last of %.9q: commit %d, %v; want none", stream, last.Seq, err)
		}
	}
}
