package memview

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"

	"github.com/google/uuid"
)

// errMalformed is why a snapshot's body is refused. Its checksum is compared only
// after it was read, so reading must bear any bytes.
var errMalformed = errors.New("malformed snapshot")

// source reads a snapshot's body.
type source struct {
	from   io.Reader
	buffer []byte
}

// take gives the next bytes, until it is called again.
func (s *source) take(size int) ([]byte, error) {
	// What is missing is found out before much room is made for it.
	const atOnce = 1 << 22
	s.buffer = s.buffer[:0]
	for len(s.buffer) < size {
		have := len(s.buffer)
		s.buffer = slices.Grow(s.buffer, min(size-have, atOnce))[:min(size, have+atOnce)]
		if _, err := io.ReadFull(s.from, s.buffer[have:]); err != nil {
			return nil, err
		}
	}
	return s.buffer, nil
}

func (s *source) count() (int, error) {
	b, err := s.take(4)
	if err != nil {
		return 0, err
	}
	return int(binary.LittleEndian.Uint32(b)), nil
}

// text gives bytes that their length precedes.
func (s *source) text() ([]byte, error) {
	size, err := s.count()
	if err != nil {
		return nil, err
	}
	return s.take(size)
}

// load fills the empty view.
func (v *View) load(body io.Reader) error {
	s := &source{from: bufio.NewReaderSize(body, 1<<20)}
	var edges, former [shardCount][]edge
	for i := range v.shards {
		var err error
		if edges[i], err = s.edges(); err != nil {
			return err
		}
		if former[i], err = s.edges(); err != nil {
			return err
		}
	}
	var lists [2][]listed
	for i := range lists {
		var err error
		if lists[i], err = s.list(); err != nil {
			return err
		}
	}
	if err := v.loadNodes(s); err != nil {
		return err
	}
	if err := errors.Join(v.names.load(s), v.keys.load(s)); err != nil {
		return err
	}
	v.loadList(userSide, lists[userSide])
	v.loadList(groupSide, lists[groupSide])
	return v.loadEdges(&edges, &former)
}

func (s *source) edges() ([]edge, error) {
	count, err := s.count()
	if err != nil {
		return nil, err
	}
	b, err := s.take(count * edgeSize)
	if err != nil {
		return nil, err
	}
	edges := make([]edge, count)
	for i := range edges {
		edges[i].read(b[i*edgeSize:])
	}
	return edges, nil
}

func (s *source) list() ([]listed, error) {
	count, err := s.count()
	if err != nil {
		return nil, err
	}
	b, err := s.take(4 * count)
	if err != nil {
		return nil, err
	}
	list := make([]listed, count)
	for i := range list {
		list[i] = listed(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return list, nil
}

// loadNodes makes the nodes with their rows, under the numbers that they had.
func (v *View) loadNodes(s *source) error {
	count, err := s.count()
	if err != nil {
		return err
	}
	if uint64(count) > math.MaxUint32-nodesPerChunk {
		return errMalformed
	}
	for first := range min(shardCount, count) {
		shard := &v.shards[first]
		for r := first; r < count; r += shardCount {
			id, err := s.take(len(uuid.UUID{}))
			if err != nil {
				return err
			}
			v.nodes.extend(r + 1)
			node := v.nodes.at(ref(r))
			node.id = uuid.UUID(id)
			for which := userSide; which <= groupSide; which++ {
				if err := v.loadRow(s, shard, node, ref(r), which); err != nil {
					return err
				}
			}
		}
	}
	v.nodes.indexAll()
	return nil
}

func (v *View) loadRow(s *source, shard *shard, node *node, r ref, which side) error {
	row, err := s.text()
	if err != nil || len(row) == 0 {
		return err
	}
	_, stage, err := rowStage(row)
	if err != nil {
		return err
	}
	if node.rows[which], err = shard.rows.add(r, which, row); err != nil {
		return err
	}
	node.setStage(which, stage)
	return nil
}

func (n *names) load(s *source) error {
	count, err := s.count()
	if err != nil || count > maxNames {
		return errors.Join(err, errMalformed)
	}
	for range count {
		name, err := s.text()
		if err != nil {
			return err
		}
		n.add(string(name))
	}
	return nil
}

// loadList makes the list of one kind: the one given, which is in order, less
// what was removed and more what came while it was taken.
func (v *View) loadList(s side, list []listed) {
	known := ref(v.nodes.count.Load())
	met := make([]bool, known)
	list = slices.DeleteFunc(list, func(l listed) bool {
		if ref(l) >= known || met[l] || v.nodes.at(ref(l)).stage(s) != here {
			return true
		}
		met[l] = true
		return false
	})
	refs := &v.lists[s].refs
	refs.load(list)
	for r := range known {
		if !met[r] && v.nodes.at(r).stage(s) == here {
			refs.put(listed(r))
		}
	}
}
