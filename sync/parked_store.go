package querysync

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// ParkedStore keeps the lists of parked streams of views that several processes
// write to: a record of this package's for each stream, durable when a method
// returns. Its methods may be called concurrently.
type ParkedStore interface {
	// Load gives all records of a view.
	Load(ctx context.Context, view string) (map[eventstream.StreamID][]byte, error)
	// Put keeps a record, in place of the one that the stream may have.
	Put(ctx context.Context, view string, stream eventstream.StreamID, record []byte) error
	// Delete removes a stream's record, if there is one.
	Delete(ctx context.Context, view string, stream eventstream.StreamID) error
}

// savingTime bounds how long a record is waited for, whoever asked for it.
const savingTime = 5 * time.Second

// reload adds what other processes have parked; what they took off is dropped when
// it is next looked at. It does nothing for lists that only this process has.
func (p *parkedStreams) reload(ctx context.Context) error {
	if p.store == nil {
		return nil
	}
	if err := p.save(); err != nil {
		return err
	}
	records, err := p.store.Load(ctx, p.view)
	if err != nil {
		return fmt.Errorf("read the list of parked streams: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for stream, record := range records {
		if p.changed[stream] {
			continue
		}
		entry := &parkedEntry{}
		if err := json.Unmarshal(record, entry); err != nil || entry.Stream != stream {
			return fmt.Errorf("%w: the record of a parked stream of kind %s", eventstream.ErrCorrupt, stream.Kind())
		}
		if known := p.entries[stream]; known != nil && known.passed && known.Seq == entry.Seq {
			continue
		}
		p.entries[stream] = entry
	}
	count := 0
	for _, entry := range p.entries {
		if !entry.passed {
			count++
		}
	}
	p.count.Store(int64(count))
	p.complete.Store(true)
	return nil
}

// saveChanged writes the records that differ from what the store has. The caller
// holds saving.
func (p *parkedStreams) saveChanged() error {
	ctx, cancel := context.WithTimeout(context.Background(), savingTime)
	defer cancel()
	for _, stream := range p.takeChanged() {
		if err := p.saveOne(ctx, stream); err != nil {
			p.mu.Lock()
			p.touch(stream)
			p.mu.Unlock()
			return err
		}
	}
	return nil
}

func (p *parkedStreams) takeChanged() []eventstream.StreamID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.changed))
}

func (p *parkedStreams) saveOne(ctx context.Context, stream eventstream.StreamID) error {
	p.mu.Lock()
	delete(p.changed, stream)
	entry := p.entries[stream]
	var record []byte
	var err error
	if entry != nil {
		record, err = json.Marshal(entry)
	}
	p.mu.Unlock()
	switch {
	case err != nil:
		return err
	case entry == nil:
		return p.store.Delete(ctx, p.view, stream)
	}
	return p.store.Put(ctx, p.view, stream, record)
}

// touch notes that a stream's entry was changed or dropped. The caller holds mu.
func (p *parkedStreams) touch(stream eventstream.StreamID) {
	p.unsaved.Store(true)
	if p.store != nil {
		p.changed[stream] = true
	}
}

// HearParked hears of what other processes have parked, for those who do not
// sweep.
func (s *Synchroniser) HearParked(ctx context.Context) error {
	for _, f := range s.all() {
		if err := f.parked.reload(ctx); err != nil {
			return err
		}
	}
	for _, x := range s.allIndexers() {
		if err := x.parked.reload(ctx); err != nil {
			return err
		}
	}
	return nil
}
