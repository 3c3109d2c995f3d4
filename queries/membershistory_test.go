package queries_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
	"github.com/seed5b6a70b4/identity/queries"
)

// What is committed while the first of several calls reads is behind the reading for
// one membership and before it for another: a walk tells neither.
func TestAHistoryReadInPartsEndsWhenItsReadingBegan(t *testing.T) {
	var store *interruptedReads
	d := newDirectoryOn(t, func(s *memstore.Store) eventstream.Store { store = &interruptedReads{Store: s}; return store })
	group := d.group("readers").Group.ID
	const members, reads, chunk = 45, 40, 20 // with fewer commits than a cursor holds
	var all []uuid.UUID
	for i := range members {
		all = append(all, d.user(fmt.Sprint("user", i)).User.ID.UUID)
		d.addMember(group, all[i])
		d.do(commands.RemoveMember{Group: group, Member: all[i]})
	}
	slices.SortFunc(all, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	d.reader.BoundPast(1000, reads, chunk)
	store.at(chunk+1, func() {
		d.clock = time.Now()
		d.addMember(group, all[0])
		d.addMember(group, all[members-1])
		for time.Now().UnixMilli() <= d.clock.UnixMilli() { // commits have whole milliseconds
		}
	})
	told := 0
	for recall := (queries.Recall{Listing: queries.Listing{Limit: 500}}); ; {
		page, err := d.reader.MembersHistory(t.Context(), group, recall, queries.Freshness{})
		if err != nil {
			t.Fatal(err)
		}
		for _, commit := range page.Items {
			if told++; commit.Seq > 2 {
				t.Errorf("what was committed during the reading is told of %s only", commit.Stream)
			}
		}
		if recall.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	if told != 2*members {
		t.Errorf("%d commits were told, of %d", told, 2*members)
	}
}

// interruptedReads does something once, before one of the reads of memberships.
type interruptedReads struct {
	eventstream.Store
	left atomic.Int64
	do   func()
}

func (s *interruptedReads) at(read int64, do func()) {
	s.do = do
	s.left.Store(read)
}

// Read implements eventstream.Store.
func (s *interruptedReads) Read(ctx context.Context, stream eventstream.StreamID, after eventstream.Seq) iter.Seq2[eventstream.Commit, error] {
	if stream.Kind() == eventstream.MemberKind && s.left.Load() > 0 && s.left.Add(-1) == 0 {
		s.do()
	}
	return s.Store.Read(ctx, stream, after)
}
