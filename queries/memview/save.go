package memview

import (
	"encoding/binary"
	"io"
	"slices"

	"github.com/google/uuid"
)

// step is how much is copied under one lock, in list entries or nodes of a shard.
const step = 1 << 6

func (v *View) save(to io.Writer) error {
	var buffer []byte
	write := func(part func([]byte) []byte) error {
		buffer = part(buffer[:0])
		_, err := to.Write(buffer)
		return err
	}
	for i := range v.shards {
		if err := write(v.shards[i].appendEdges); err != nil {
			return err
		}
	}
	for s := range v.lists {
		if err := write(v.lists[s].appendAll); err != nil {
			return err
		}
	}
	count := v.nodes.count.Load()
	if err := write(func(b []byte) []byte { return binary.LittleEndian.AppendUint32(b, count) }); err != nil {
		return err
	}
	for first := range ref(shardCount) {
		for r := first; r < ref(count); r += step * shardCount {
			if err := write(func(b []byte) []byte { return v.appendNodes(b, r, ref(count)) }); err != nil {
				return err
			}
		}
	}
	if err := write(v.names.appendAll); err != nil {
		return err
	}
	return write(v.keys.appendAll)
}

func (s *shard) appendEdges(b []byte) []byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b = slices.Grow(b, 8+edgeSize*(s.edges.count+s.former.count))
	for _, set := range []*sorted[edge]{&s.edges, &s.former} {
		b = binary.LittleEndian.AppendUint32(b, uint32(set.count))
		for _, block := range set.blocks {
			for i := range block {
				b = block[i].append(b)
			}
		}
	}
	return b
}

const edgeSize = 28

func (e *edge) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(e.group))
	b = binary.LittleEndian.AppendUint32(b, uint32(e.member))
	b = binary.LittleEndian.AppendUint32(b, e.idHigh)
	b = binary.LittleEndian.AppendUint32(b, e.idLow)
	b = binary.LittleEndian.AppendUint32(b, e.seq)
	b = binary.LittleEndian.AppendUint32(b, e.sinceLow)
	b = binary.LittleEndian.AppendUint16(b, uint16(e.sinceHigh))
	return binary.LittleEndian.AppendUint16(b, uint16(e.flags))
}

func (e *edge) read(b []byte) {
	*e = edge{
		group: ref(binary.LittleEndian.Uint32(b)), member: ref(binary.LittleEndian.Uint32(b[4:])),
		idHigh: binary.LittleEndian.Uint32(b[8:]), idLow: binary.LittleEndian.Uint32(b[12:]),
		seq: binary.LittleEndian.Uint32(b[16:]), sinceLow: binary.LittleEndian.Uint32(b[20:]),
		sinceHigh: int16(binary.LittleEndian.Uint16(b[24:])), flags: edgeFlags(binary.LittleEndian.Uint16(b[26:])),
	}
}

// appendAll gives the list as it is, page by page: what is in it throughout is
// there once, and everything in order.
func (l *list) appendAll(b []byte) []byte {
	b = append(b, 0, 0, 0, 0)
	after, count := uuid.Nil, 0
	for {
		page := l.page(after, step)
		for _, r := range page {
			b = binary.LittleEndian.AppendUint32(b, uint32(r))
		}
		if count += len(page); len(page) < step {
			binary.LittleEndian.PutUint32(b, uint32(count))
			return b
		}
		after = l.refs.nodes.at(page[step-1]).id
	}
}

// appendNodes gives nodes of one shard, from one on, a step of them at most.
func (v *View) appendNodes(b []byte, from, end ref) []byte {
	shard := v.shard(from)
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	for r := from; r < min(end, from+step*shardCount); r += shardCount {
		node := v.nodes.at(r)
		b = append(b, node.id[:]...)
		for _, at := range node.rows {
			var row []byte
			if at != 0 {
				row = shard.rows.row(at)
			}
			b = appendSized(b, row)
		}
	}
	return b
}

func (n *names) appendAll(b []byte) []byte {
	all := n.all()
	b = binary.LittleEndian.AppendUint32(b, uint32(len(all)))
	for _, name := range all {
		b = appendSized(b, name)
	}
	return b
}
