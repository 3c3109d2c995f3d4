package audit

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// together ties the commits of a scan to those of other streams that they belong
// to or speak of, without keeping either. All commits of a transaction name the
// same positions, their own among them: so it is whole once as many were met as
// each of them names. What does not add up is looked for by a second scan.
type together struct {
	// bundles are the transactions of which not all was met, or not all adds up.
	bundles map[bundleKey]bundle
	// owed is up to where streams must go, as requests show.
	owed map[streamKey]eventstream.Seq
	// recent is from when on commits may have been written during the scan: what
	// belongs to them is read at once.
	recent time.Time
	looked map[bundleKey]struct{}
}

// slack is how far the clocks of those who write may be behind.
const slack = 2 * time.Minute

func newTogether(now time.Time) together {
	return together{
		bundles: map[bundleKey]bundle{}, owed: map[streamKey]eventstream.Seq{}, looked: map[bundleKey]struct{}{}, recent: now.Add(-slack),
	}
}

// bundleKey names a transaction by its command and the positions in it.
type bundleKey [16]byte

// bundle is what is known of a transaction: how many of its commits were not met,
// and the directory facts in the entities' streams less those in the directory
// streams, as a sum of hashes: zero if they are the same.
type bundle struct {
	missing int32
	unequal uint64
}

func bundleOf(c *eventstream.Commit) (key bundleKey) {
	var sums [2]uint64
	for i, seed := range keySeeds {
		sum := maphash.Comparable(seed, c.Position()) + maphash.Bytes(seed, c.Command[:])
		for _, sibling := range c.Siblings {
			sum += maphash.Comparable(seed, sibling)
		}
		sums[i] = sum
	}
	binary.BigEndian.PutUint64(key[:8], sums[0])
	binary.BigEndian.PutUint64(key[8:], sums[1])
	return key
}

// tie notes what a commit belongs to and speaks of.
func (t *together) tie(ctx context.Context, a *audit, commit *eventstream.Commit, events []domain.Event) error {
	recent := !commit.Time.Before(t.recent)
	shown := a.shown
	a.shown = a.shown[:0]
	for _, s := range shown {
		key, seq := keyOf(eventstream.StreamID(s.stream)), eventstream.Seq(s.seq)
		switch {
		case a.tips[key].seq >= seq:
		case recent:
			if err := a.settleShown(ctx, commit.Position(), s); err != nil {
				return err
			}
		default:
			t.owed[key] = max(t.owed[key], seq)
		}
	}
	if len(commit.Siblings) == 0 || isAnchor(commit) {
		a.report.Transactions++
	}
	if len(commit.Siblings) == 0 {
		return nil
	}
	key := bundleOf(commit)
	if recent {
		return t.examine(ctx, a, key, commit)
	}
	b, begun := t.bundles[key]
	if !begun {
		b.missing = int32(len(commit.Siblings)) + 1
	}
	b.missing--
	b.unequal += balance(commit, events)
	if t.bundles[key] = b; b == (bundle{}) {
		delete(t.bundles, key)
	}
	return nil
}

// isAnchor tells whether the commit's stream is the smallest of its transaction.
func isAnchor(c *eventstream.Commit) bool {
	for _, sibling := range c.Siblings {
		if sibling.Stream < c.Stream {
			return false
		}
	}
	return true
}

// balance is what a commit adds to bundle.unequal.
func balance(commit *eventstream.Commit, events []domain.Event) (sum uint64) {
	of, is := entityOf(commit.Stream)
	for _, event := range events {
		if listed, lists := event.(domain.Listed); lists {
			sum -= maphash.Comparable(keySeeds[0], listing{listed.Of, listed.Seq, listed.Fact})
		} else if is && directoryFact(event) {
			sum += maphash.Comparable(keySeeds[0], listing{of, uint64(commit.Seq), event})
		}
	}
	return sum
}

// examine reads a transaction as one of its commits names it, once, and examines
// it as a whole.
func (t *together) examine(ctx context.Context, a *audit, key bundleKey, commit *eventstream.Commit) error {
	if _, was := t.looked[key]; was {
		return nil
	}
	t.looked[key] = struct{}{}
	members := append([]eventstream.Position{commit.Position()}, commit.Siblings...)
	return a.settleAll(ctx, func() ([]Finding, error) {
		tx := &transaction{}
		for _, member := range members {
			read, err := a.commitAt(ctx, member)
			if err != nil {
				return nil, err
			}
			if read.Position() == member {
				events, _ := domain.DecodeEvents(read.Data) // what cannot be read is a finding of its own
				tx.commits, tx.facts = append(tx.commits, read), append(tx.facts, events)
			}
		}
		tx.compareSiblings()
		tx.compareListed()
		return tx.findings, nil
	})
}

// settleShown demands that a commit that a request shows is there.
func (a *audit) settleShown(ctx context.Context, by eventstream.Position, s showing) error {
	return a.settle(ctx, func() (*Finding, error) {
		last, err := a.lastOf(ctx, eventstream.StreamID(s.stream))
		if err != nil || uint64(last.Seq) >= s.seq {
			return nil, err
		}
		return &Finding{Part: Streams, Stream: by.Stream, Seq: by.Seq, What: fmt.Sprintf("shows %s@%d, which is not there", s.stream, s.seq)}, nil
	})
}

// scanAgain looks for what did not add up, if anything did not.
func (s *scan) scanAgain(ctx context.Context) error {
	for key, seq := range s.owed {
		if s.tips[key].seq >= seq {
			delete(s.owed, key)
		}
	}
	if len(s.bundles) == 0 && len(s.owed) == 0 {
		return nil
	}
	done := uint64(0)
	for commit, err := range s.scanner.Scan(ctx) {
		if err != nil {
			if err = unlessCorrupt(err); err != nil {
				return err
			}
			continue
		}
		if done++; done%progressEvery == 0 {
			s.progress("streams that do not add up", done, uint64(s.report.Commits))
		}
		if err := s.meetAgain(ctx, &commit); err != nil {
			return err
		}
	}
	return nil
}

func (s *scan) meetAgain(ctx context.Context, commit *eventstream.Commit) error {
	if commit.Stream.Kind() == eventstream.RequestKind && len(s.owed) > 0 {
		events, _ := domain.DecodeEvents(commit.Data) // as above
		for _, event := range events {
			outcome, is := event.(domain.SetOutcome)
			if !is || s.owed[keyOf(eventstream.StreamID(outcome.Stream))] == 0 {
				continue
			}
			if err := s.settleShown(ctx, commit.Position(), showing{stream: outcome.Stream, seq: outcome.Seq}); err != nil {
				return err
			}
		}
	}
	if len(commit.Siblings) == 0 {
		return nil
	}
	key := bundleOf(commit)
	if _, suspect := s.bundles[key]; !suspect {
		return nil
	}
	return s.together.examine(ctx, s.audit, key, commit)
}
