package memview

import (
	"encoding/binary"
	"hash/maphash"
	"unsafe"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// Buckets is into how many buckets rows are put, by the last byte of their ids,
// when views are compared.
const Buckets = 256

// bucket holds the number of its rows and the sum of their hashes, so that the
// order in which rows are met does not matter.
type bucket struct{ count, sum uint64 }

// digests are the buckets of some rows.
type digests [Buckets]bucket

func (b *digests) add(k *rowKey, sum uint64) {
	at := &b[k.bucket()]
	at.count++
	at.sum += sum
}

// rowKind is what a row is of; those of nodes are their sides.
type rowKind uint8

const (
	edgeRow rowKind = iota + 2
	keyRow
)

// rowKey names a row, whatever view it is in. Only memberships have an end.
type rowKey struct {
	kind    rowKind
	id, end uuid.UUID
}

func (k *rowKey) bucket() uint8 { return k.id[15] ^ k.end[15] }

func (k *rowKey) stream() eventstream.StreamID {
	switch k.kind {
	case rowKind(userSide):
		return eventstream.UserStream(k.id)
	case rowKind(groupSide):
		return eventstream.GroupStream(k.id)
	case edgeRow:
		return eventstream.MemberStream(k.id, k.end)
	}
	return eventstream.KeyStream(k.id)
}

// digester hashes rows: what they say, and nothing of how a view keeps it.
type digester struct {
	hash   maphash.Hash
	names  []string // of attributes
	buffer []byte
}

func (v *View) digester(seed maphash.Seed) *digester {
	d := &digester{names: v.names.all()}
	d.hash.SetSeed(seed)
	return d
}

func (d *digester) begin(k *rowKey) {
	d.hash.Reset()
	_ = d.hash.WriteByte(byte(k.kind))
	_, _ = d.hash.Write(k.id[:])
	_, _ = d.hash.Write(k.end[:])
}

// entity hashes a user's or a group's row. Its attributes are in no order.
func (d *digester) entity(k *rowKey, row []byte) (seq, sum uint64) {
	// The row is read under its shard's lock and not kept.
	text := unsafe.String(unsafe.SliceData(row), len(row))
	r := rowReader{text}
	seq = r.skipRoot()
	fields := 0
	if _, at, _ := rowStage(row); at == here {
		fields = 3
		if k.kind == rowKind(userSide) {
			fields = 6
		}
		for range fields {
			r.text()
		}
	}
	d.begin(k)
	_, _ = d.hash.WriteString(text[:len(text)-len(r.rest)])
	sum = d.hash.Sum64()
	if fields == 0 {
		return seq, sum
	}
	for range r.uvarint() {
		var name string
		if number := r.uvarint(); number > 0 {
			name = d.names[number-1]
		} else {
			name = r.text()
		}
		d.begin(k)
		_, _ = d.hash.WriteString(name)
		_ = d.hash.WriteByte(0)
		_, _ = d.hash.WriteString(r.text())
		sum += d.hash.Sum64()
	}
	return seq, sum
}

// skipRoot is root without making anything of it but the seq.
func (r *rowReader) skipRoot() (seq uint64) {
	seq = r.uvarint()
	r.uvarint()
	r.uvarint()
	r.rest = r.rest[1:]
	r.text()
	return seq
}

// edge hashes a membership, but not what was announced of it.
func (d *digester) edge(k *rowKey, e *edge) uint64 {
	said := *e
	said.announce(unknown)
	d.buffer = binary.LittleEndian.AppendUint32(d.buffer[:0], said.seq)
	d.buffer = binary.LittleEndian.AppendUint32(d.buffer, said.sinceLow)
	d.buffer = binary.LittleEndian.AppendUint16(d.buffer, uint16(said.sinceHigh))
	d.buffer = binary.LittleEndian.AppendUint16(d.buffer, uint16(said.flags))
	d.begin(k)
	_, _ = d.hash.Write(d.buffer)
	return d.hash.Sum64()
}

func (d *digester) key(k *rowKey, row *domain.APIKey) uint64 {
	d.buffer = appendKey(d.buffer[:0], row)
	d.begin(k)
	_, _ = d.hash.Write(d.buffer)
	return d.hash.Sum64()
}

// digestStep is how many rows are hashed under one lock.
const digestStep = 256

// eachRow gives the rows of a shard, with their hashes. What changes meanwhile may
// be given as it was, twice or not at all.
func (v *View) eachRow(shard int, d *digester, told func(k *rowKey, sum uint64)) {
	count := ref(v.nodes.count.Load())
	for from := ref(shard); from < count; from += digestStep * shardCount {
		v.eachNode(from, min(count, from+digestStep*shardCount), d, told)
	}
	s := &v.shards[shard]
	for _, set := range [...]*sorted[edge]{&s.edges, &s.former} {
		for after, more := (key{}), true; more; {
			after, more = v.eachEdge(s, set, after, d, told)
		}
	}
}

// eachEdge gives some edges of a shard beyond a key, and from where to go on, if
// there are more.
func (v *View) eachEdge(s *shard, set *sorted[edge], after key, d *digester, told func(k *rowKey, sum uint64)) (next key, more bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	given := 0
	for e := range set.after(after) {
		k := rowKey{kind: edgeRow, id: v.id(e.group), end: v.id(e.member)}
		told(&k, d.edge(&k, e))
		if given++; given == digestStep {
			return e.key(v.nodes), true
		}
	}
	return after, false
}

// eachKey gives the rows of API keys, revoked ones too.
func (v *View) eachKey(d *digester, told func(k *rowKey, sum uint64)) {
	v.keys.mu.RLock()
	defer v.keys.mu.RUnlock()
	for id, row := range v.keys.rows {
		k := rowKey{kind: keyRow, id: id.UUID}
		told(&k, d.key(&k, &row))
	}
}

// sumOf gives how far a row has got, and its hash; zeros for one that there is not.
func (v *View) sumOf(k *rowKey, d *digester) (seq, sum uint64) {
	switch k.kind {
	case edgeRow:
		e, known := v.edge(k.id, k.end)
		if !known || e.seq == 0 {
			return 0, 0
		}
		return uint64(e.seq), d.edge(k, &e)
	case keyRow:
		row := v.keys.get(domain.KeyID{UUID: k.id})
		if row.Seq == 0 {
			return 0, 0
		}
		return row.Seq, d.key(k, &row)
	}
	row := v.row(k.id, side(k.kind))
	if row == "" {
		return 0, 0
	}
	d.names = v.names.all() // after the row: it may have a name that is new
	return d.entity(k, []byte(row))
}

// eachNode gives the rows of some nodes of one shard.
func (v *View) eachNode(from, end ref, d *digester, told func(k *rowKey, sum uint64)) {
	shard := v.shard(from)
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	d.names = v.names.all() // before any row with a number that is not among them
	for r := from; r < end; r += shardCount {
		node := v.nodes.at(r)
		for which, at := range node.rows {
			if at == 0 {
				continue
			}
			k := rowKey{kind: rowKind(which), id: node.id}
			_, sum := d.entity(&k, shard.rows.row(at))
			told(&k, sum)
		}
	}
}
