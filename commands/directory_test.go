package commands_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
)

func TestOpenDirectory(t *testing.T) {
	w := newWorld(t, commands.Options{})
	if w.directory.UserShards != 1 || w.directory.GroupShards != 1 || w.directory.Secret != secret || w.directory.Epoch == (eventstream.Epoch{}) {
		t.Errorf("the first start gives %+v", w.directory)
	}
	if end := w.store.End(); end != 1 {
		t.Errorf("the first start wrote %d transactions", end)
	}
	again, err := commands.OpenDirectory(t.Context(), w.streams, secret, 64)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.directory, again); diff != "" {
		t.Errorf("a later start differs (-first +later):\n%s", diff)
	}
	if end := w.store.End(); end != 1 {
		t.Errorf("a later start wrote")
	}
	if _, err := commands.OpenDirectory(t.Context(), w.streams, domain.ClaimSecret{9}, 1); !errors.Is(err, commands.ErrForeignSecret) {
		t.Errorf("with another secret: %v", err)
	}
	w.have(`store SetEpoch{"epoch":"0102030405060708"}`)
	if moved, err := commands.OpenDirectory(t.Context(), w.streams, secret, 1); err != nil || moved.Epoch.String() != "0102030405060708" {
		t.Errorf("in another epoch: %v, %v", moved.Epoch, err)
	}
	w.have(`store SetClosed{"closed":true}`)
	if closed, err := commands.OpenDirectory(t.Context(), w.streams, secret, 1); err != nil || !closed.Closed {
		t.Errorf("when closed: %+v, %v", closed, err)
	}
}

// A new life keeps everything but the epoch.
func TestBeginEpoch(t *testing.T) {
	w := newWorld(t, commands.Options{})
	if _, err := commands.BeginEpoch(t.Context(), w.streams, domain.ClaimSecret{9}); !errors.Is(err, commands.ErrForeignSecret) {
		t.Errorf("with another secret: %v", err)
	}
	begun, err := commands.BeginEpoch(t.Context(), w.streams, secret)
	if err != nil || begun.Epoch == w.directory.Epoch {
		t.Fatalf("the epoch is %v, %v", begun.Epoch, err)
	}
	opened, err := commands.OpenDirectory(t.Context(), w.streams, secret, 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(begun, opened); diff != "" {
		t.Errorf("opened again it differs (-begun +opened):\n%s", diff)
	}
	if begun.Epoch = w.directory.Epoch; begun != w.directory {
		t.Errorf("more than the epoch is new: %+v", begun)
	}
	w.have(`store SetClosed{"closed":true}`)
	if reopened, err := commands.BeginEpoch(t.Context(), w.streams, secret); err != nil || reopened.Closed {
		t.Errorf("when closed: %+v, %v", reopened, err)
	}
	empty := eventstream.New(memstore.New(nil), nil)
	if _, err := commands.BeginEpoch(t.Context(), empty, secret); err == nil {
		t.Error("a store that holds no directory has a new life")
	}
}

func TestOpenDirectoryRefusesWhatItDoesNotKnow(t *testing.T) {
	w := newWorld(t, commands.Options{})
	w.have(`store SetMystery{"x":1}`)
	if _, err := commands.OpenDirectory(t.Context(), w.streams, secret, 1); !errors.Is(err, domain.ErrUnknownEvent) {
		t.Errorf("error is %v", err)
	}
	streams := eventstream.New(memstore.New(nil), nil)
	if _, err := commands.OpenDirectory(t.Context(), streams, secret, 0); err == nil {
		t.Error("no shards were accepted")
	}
}

func TestOfProcessesThatStartAtOnceOneMakesTheDirectory(t *testing.T) {
	streams := eventstream.New(memstore.New(nil), nil)
	opened := make([]commands.Directory, 8)
	var starts sync.WaitGroup
	for i := range opened {
		starts.Go(func() {
			var err error
			if opened[i], err = commands.OpenDirectory(t.Context(), streams, secret, 1); err != nil {
				t.Error(err)
			}
		})
	}
	starts.Wait()
	for _, directory := range opened {
		if diff := cmp.Diff(opened[0], directory); diff != "" {
			t.Errorf("two directories (-one +other):\n%s", diff)
		}
	}
}

func TestShardsSpreadEntitiesAndNeverMove(t *testing.T) {
	directory := commands.Directory{UserShards: 64, GroupShards: 64}
	seen := map[eventstream.StreamID]int{}
	for i := range 64 * 64 {
		seen[directory.UsersOf(domain.UserID{UUID: [16]byte{6: 0x70, 14: byte(i >> 8), 15: byte(i)}})]++
	}
	for shard, n := range seen {
		if n < 16 || n > 256 {
			t.Errorf("%s lists %d of %d users", shard, n, 64*64)
		}
	}
	if len(seen) != 64 {
		t.Errorf("%d shards are used", len(seen))
	}
	if got := directory.GroupsOf(groupID("staff")); got != "groups/52" {
		t.Errorf("$staff is listed in %s", got)
	}
}
