package queries

import (
	"encoding/binary"
	"strconv"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// stage is what a follower is being told: first all that there is, list by list,
// and then what changes.
type stage byte

const (
	walkUsers stage = iota + 1
	walkGroups
	walkMembers
	feedStage
)

// side is which of the memberships that ended with an entity are being told of.
type side byte

const (
	noSide side = iota
	inside      // those in it
	around      // those that it has in others
)

// position is where a follower stands.
type position struct {
	filter ChangeFilter
	stage  stage
	// place is up to where notices were told; while the lists are told, from where
	// they will be.
	place eventstream.Place
	// id is the entity of the list after which it goes on; of the members' list it is
	// the group, whose member it goes on after.
	id, member uuid.UUID
	// side says that the announcement at place, of an entity's end, was told, and edge
	// after which of the memberships that ended with it it goes on.
	side side
	edge uuid.UUID
}

// appendText writes the position as text, of the epoch.
//
//	kinds     1 byte
//	stage     1 byte, + 0x80 if there is a group
//	group     16 bytes, if there is one
//	walk      id: 16 bytes, member: 16 bytes in the members' list
//	feed      part: uvarint: 0 none, 1 the log, 2+n changes/n; told: uvarint if
//	          there is a part; side: 1 byte; edge: 16 bytes if there is a side
func (p *position) appendText(dst []byte, epoch eventstream.Epoch) ([]byte, error) {
	var room [128]byte
	mark := eventstream.Mark{At: p.place.At, Rest: p.appendRest(room[:0])}
	return mark.AppendEncode(dst, epoch)
}

const withGroup = 0x80

func (p *position) appendRest(rest []byte) []byte {
	rest = append(rest, byte(p.filter.Kinds))
	if p.filter.Group.IsZero() {
		rest = append(rest, byte(p.stage))
	} else {
		rest = append(rest, byte(p.stage)|withGroup)
		rest = append(rest, p.filter.Group.UUID[:]...)
	}
	if p.stage != feedStage {
		rest = append(rest, p.id[:]...)
		if p.stage == walkMembers {
			rest = append(rest, p.member[:]...)
		}
	}
	part := uint64(0)
	switch number, err := p.place.Part.Shard(); {
	case p.place.Part == eventstream.LogStream:
		part = 1
	case err == nil:
		part = 2 + uint64(number)
	}
	if rest = binary.AppendUvarint(rest, part); part > 0 {
		rest = binary.AppendUvarint(rest, uint64(p.place.Told))
	}
	if rest = append(rest, byte(p.side)); p.side != noSide {
		rest = append(rest, p.edge[:]...)
	}
	return rest
}

// parsePosition reads what appendText writes.
func parsePosition(text string, epoch eventstream.Epoch) (position, error) {
	mark, err := eventstream.DecodeMark(text, epoch)
	if err != nil {
		return position{}, err
	}
	p := position{place: eventstream.Place{At: mark.At}}
	r := restReader{left: mark.Rest}
	p.filter.Kinds = ChangeKind(r.byte())
	head := r.byte()
	if p.stage = stage(head &^ withGroup); head&withGroup != 0 {
		p.filter.Group = domain.GroupID{UUID: r.id()}
		r.bad = r.bad || p.filter.Group.IsZero()
	}
	if p.stage != feedStage {
		p.id = r.id()
		if p.stage == walkMembers {
			p.member = r.id()
		}
	}
	p.readPlace(&r)
	if p.side = side(r.byte()); p.side != noSide {
		p.edge = r.id()
	}
	if r.bad || len(r.left) > 0 || p.filter.Kinds&^allChanges != 0 || p.stage < walkUsers || p.stage > feedStage || p.side > around || p.filter.check() != nil {
		return position{}, eventstream.ErrMalformedToken
	}
	return p, nil
}

// maxParts bounds the numbers of the parts of a change feed.
const maxParts = 1 << 16

func (p *position) readPlace(r *restReader) {
	part := r.number(maxParts)
	switch part {
	case 0:
		return
	case 1:
		p.place.Part = eventstream.LogStream
	default:
		p.place.Part = eventstream.StreamID(string(eventstream.ChangesKind) + "/" + strconv.FormatUint(part-2, 10))
	}
	p.place.Told = int(r.number(1 << 20))
}

// restReader reads the parts of a position; what is not there is bad.
type restReader struct {
	left []byte
	bad  bool
}

func (r *restReader) byte() byte {
	if len(r.left) == 0 {
		r.bad = true
		return 0
	}
	b := r.left[0]
	r.left = r.left[1:]
	return b
}

func (r *restReader) id() (id uuid.UUID) {
	if len(r.left) < len(id) {
		r.bad = true
		return id
	}
	r.left = r.left[copy(id[:], r.left):]
	return id
}

func (r *restReader) number(most uint64) uint64 {
	number, size := binary.Uvarint(r.left)
	if size <= 0 || number > most {
		r.bad = true
		return 0
	}
	r.left = r.left[size:]
	return number
}
