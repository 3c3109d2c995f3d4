package heads_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed5b6a70b4/identity/eventstream/logstore/internal/heads"
)

func key(n uint32) heads.Key { return heads.KeyOf(binary.BigEndian.AppendUint32(nil, n)) }

// crowded gives keys that all have the same few homes, and the last of a shard.
func crowded(n uint32) heads.Key {
	k := heads.Key{0: byte(n % 2)}
	for i := 1; i < 9; i++ {
		k[i] = 0xff
	}
	binary.BigEndian.PutUint32(k[12:], n)
	return k
}

func TestTableHoldsWhatAMapHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table heads.Table
		defer table.Close()
		model := map[heads.Key]heads.Head{}
		makeKey := rapid.SampledFrom([]func(uint32) heads.Key{key, crowded}).Draw(t, "keys")
		keys := rapid.Uint32Range(0, 3000)
		for _, n := range rapid.SliceOfN(keys, 0, 2000).Draw(t, "puts") {
			head := heads.Head{
				Sequence: rapid.Uint64Range(1, 1<<40-1).Draw(t, "sequence"),
				Address:  rapid.Uint64Range(1, 1<<48-1).Draw(t, "address"),
			}
			table.Put(makeKey(n), head)
			model[makeKey(n)] = head
		}
		same(t, &table, model, makeKey)
		var image bytes.Buffer
		if err := table.Save(&image); err != nil {
			t.Fatal(err)
		}
		var loaded heads.Table
		defer loaded.Close()
		loaded.Put(key(1<<20), heads.Head{Sequence: 1, Address: 1}) // is gone after Load
		if err := loaded.Load(&image); err != nil {
			t.Fatal(err)
		}
		same(t, &loaded, model, makeKey)
	})
}

func same(t *rapid.T, table *heads.Table, model map[heads.Key]heads.Head, makeKey func(uint32) heads.Key) {
	if table.Len() != len(model) {
		t.Fatalf("%d keys, not %d", table.Len(), len(model))
	}
	for n := range uint32(3001) {
		want, there := model[makeKey(n)]
		if got, found := table.Get(makeKey(n)); got != want || found != there {
			t.Fatalf("key %d is %v %t, not %v %t", n, got, found, want, there)
		}
	}
}

func TestTablesOfAllSizesAreSavedAndLoaded(t *testing.T) {
	var table, loaded heads.Table
	defer table.Close()
	defer loaded.Close()
	for n := range uint32(12_000) {
		table.Put(key(n), heads.Head{Sequence: 1, Address: uint64(n) + 1})
		if n%(1+n/20) > 0 {
			continue
		}
		var image bytes.Buffer
		if err := table.Save(&image); err != nil {
			t.Fatal(err)
		}
		if err := loaded.Load(&image); err != nil {
			t.Fatal(err)
		}
		for k := range n + 1 {
			if head, found := loaded.Get(key(k)); !found || head.Address != uint64(k)+1 {
				t.Fatalf("key %d of %d is %v %t", k, n, head, found)
			}
		}
	}
}

func TestAStreamTakesFewBytes(t *testing.T) {
	var table heads.Table
	defer table.Close()
	const streams = 150_000
	worst := 0.0
	for n := range uint32(streams) {
		table.Put(key(n), heads.Head{Sequence: 1, Address: uint64(n) + 1})
		if n > 50_000 && n%1000 == 0 {
			worst = max(worst, float64(table.Bytes())/float64(n))
		}
	}
	for n := range uint32(streams) {
		if head, found := table.Get(key(n)); !found || head.Address != uint64(n)+1 {
			t.Fatalf("key %d is %v %t", n, head, found)
		}
	}
	if worst > 45 {
		t.Errorf("%.1f bytes a stream at worst, more than 45", worst)
	}
	t.Logf("%.1f bytes a stream at worst, %.1f at %d", worst, float64(table.Bytes())/streams, streams)
}

func TestClosedTableIsEmptyAndStaysSo(t *testing.T) {
	var table heads.Table
	table.Put(key(1), heads.Head{Sequence: 1, Address: 1})
	table.Close()
	table.Put(key(2), heads.Head{Sequence: 1, Address: 1})
	for n := range uint32(3) {
		if head, found := table.Get(key(n)); found {
			t.Errorf("key %d is still %v", n, head)
		}
	}
	if table.Bytes() != 0 || table.Len() != 0 {
		t.Errorf("%d bytes and %d keys are left", table.Bytes(), table.Len())
	}
}

func TestDamagedImagesAreRefused(t *testing.T) {
	var table heads.Table
	defer table.Close()
	for n := range uint32(1000) {
		table.Put(key(n), heads.Head{Sequence: 1, Address: 1})
	}
	var image bytes.Buffer
	if err := table.Save(&image); err != nil {
		t.Fatal(err)
	}
	whole := image.Bytes()
	swapped := append([]byte{}, whole...)
	copy(swapped[4:31], whole[31:58])
	many := append([]byte{}, whole...)
	many[0] = 0xff
	zeroed := append([]byte{}, whole...)
	clear(zeroed[20:31])
	for name, bad := range map[string][]byte{"a key twice": swapped, "too many keys": many, "no address": zeroed} {
		if err := table.Load(bytes.NewReader(bad)); !errors.Is(err, heads.ErrDamaged) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	if err := table.Load(bytes.NewReader(whole[:len(whole)-1])); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut: error is %v", err)
	}
	if table.Len() != 0 {
		t.Errorf("%d keys after a failed load", table.Len())
	}
}

func TestReadersAndSaversRunBesideTheWriter(t *testing.T) {
	var table heads.Table
	var group sync.WaitGroup
	done := make(chan struct{})
	group.Go(func() {
		defer close(done)
		for n := range uint32(20_000) {
			table.Put(key(n), heads.Head{Sequence: 1, Address: uint64(n) + 1})
		}
	})
	group.Go(func() {
		for n := uint32(0); ; n = (n + 1) % 20_000 {
			if head, found := table.Get(key(n)); found && head.Address != uint64(n)+1 {
				t.Errorf("key %d has address %d", n, head.Address)
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for range 5 {
		var image bytes.Buffer
		if err := table.Save(&image); err != nil {
			t.Error(err)
		}
		var loaded heads.Table
		if err := loaded.Load(&image); err != nil {
			t.Error(err)
		}
		loaded.Close()
	}
	group.Wait()
	table.Close()
}

func BenchmarkTable(b *testing.B) {
	const streams = 1_000_000
	keys := make([]heads.Key, streams)
	for n := range keys {
		keys[n] = key(uint32(n))
	}
	var table heads.Table
	defer table.Close()
	for n, k := range keys {
		table.Put(k, heads.Head{Sequence: 1, Address: uint64(n) + 1})
	}
	b.Run("get", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			table.Get(keys[n*7919%streams])
		}
	})
	b.Run("get absent", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			k := keys[n*7919%streams]
			k[15]++
			table.Get(k)
		}
	})
	b.Run("insert", func(b *testing.B) {
		var table heads.Table
		defer table.Close()
		for n := 0; b.Loop(); n++ {
			table.Put(keys[n%streams], heads.Head{Sequence: 1, Address: 1})
		}
	})
	var image bytes.Buffer
	b.Run("save", func(b *testing.B) {
		for b.Loop() {
			image.Reset()
			table.Save(&image)
		}
	})
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			var loaded heads.Table
			loaded.Load(bytes.NewReader(image.Bytes()))
			loaded.Close()
		}
	})
	b.Run("key", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			heads.KeyOf("user/0190a6e2-7c3b-7def-8123-456789abcdef")
		}
	})
}
