package httpapi

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
)

// batchItem is one of many changes to users: what came of it, or will.
type batchItem struct {
	line     int // from 1, where it came on a line of its own; else 0
	created  bool
	underway *commands.Underway // nil if it was not even begun
	err      error              // why not
}

// The operations of an item, and where its user stands in it.
const (
	createOp    = "create"
	patchOp     = "patch"
	userPointer = "/user"
)

// itemFields is what an item says, not looked into yet.
type itemFields struct {
	op, id, ifMatch, user jsontext.Value
}

func (f *itemFields) read(b *body, name string, value jsontext.Value) {
	switch name {
	case "op":
		f.op = value
	case "id":
		f.id = value
	case "ifMatch":
		f.ifMatch = value
	case "user":
		f.user = value
	default:
		b.unknown("", name)
	}
}

// readItem reads an item into the command that the route of its own would do,
// with pointers into the item for all that is wrong. The text must have passed
// checkNesting.
func (a *api) readItem(text jsontext.Value) (commands.Serial, error) {
	var b body
	var fields itemFields
	if err := b.members("", text, func(name string, value jsontext.Value) { fields.read(&b, name, value) }); err != nil {
		return nil, err
	}
	var command commands.Serial
	if len(b.errors) == 0 || b.errors[0].pointer != "" {
		command = a.commandOf(&b, &fields)
	}
	if len(b.errors) > 0 {
		return nil, invalid(b.errors...)
	}
	return command, nil
}

func (a *api) commandOf(b *body, fields *itemFields) commands.Serial {
	var u userFields
	op, _ := b.need("/op", fields.op)
	switch op {
	case createOp:
		u = newUser()
		b.refuseMember("/id", fields.id, "is for a patch; the id of a new user is one of its fields")
		b.refuseMember("/ifMatch", fields.ifMatch, "is for a patch; a new user has no entity tag yet")
		b.within(userPointer, fields.user, u.readNew, u.finishNew)
		return u.creation()
	case patchOp:
		id, given := b.need("/id", fields.id)
		known, err := domain.ParseID[domain.User](id)
		if given && err != nil {
			b.wrong("/id", reasonOf(err))
		}
		b.within(userPointer, fields.user, u.readChange, nil)
		update := u.update()
		update.ID, update.If = known, a.conditionOf(b, fields.ifMatch)
		return update
	case "":
	default:
		b.wrong("/op", "must be create or patch")
	}
	return nil
}

// need reads a member that is a string and must be there.
func (b *body) need(pointer string, value jsontext.Value) (string, bool) {
	if value == nil {
		b.wrong(pointer, isRequired)
		return "", false
	}
	text, ok := b.text(pointer, value)
	if ok && text == "" {
		b.wrong(pointer, "must not be empty")
	}
	return text, ok && text != ""
}

// refuseMember reports a member that only a patch has; null is none.
func (b *body) refuseMember(pointer string, value jsontext.Value, detail string) {
	if value != nil && value.Kind() != 'n' {
		b.wrong(pointer, detail)
	}
}

// within gives the members of an object that stands at the pointer, and must be
// there, to field, which reports as if it stood alone, and the whole to finish.
func (b *body) within(pointer string, value jsontext.Value, field func(*body, string, jsontext.Value), finish func(*body)) {
	if value == nil {
		b.wrong(pointer, isRequired)
		return
	}
	var inner body
	_ = inner.members("", value, func(name string, value jsontext.Value) { field(&inner, name, value) })
	if finish != nil && (len(inner.errors) == 0 || inner.errors[0].pointer != "") {
		finish(&inner)
	}
	for _, e := range inner.errors {
		b.wrong(pointer+e.pointer, e.detail)
	}
}

// conditionOf is the condition of a patch: entity tags, as in If-Match.
func (a *api) conditionOf(b *body, value jsontext.Value) commands.Condition {
	if value == nil || value.Kind() == 'n' {
		return commands.Condition{}
	}
	text, ok := b.text("/ifMatch", value)
	if !ok {
		return commands.Condition{}
	}
	parsed := parseTags([]string{text})
	return parsed.condition(a.config.Epoch)
}

// appendItem waits for an item and writes what came of it.
func (x *exchange) appendItem(dst []byte, item *batchItem, faults *faultLog) []byte {
	var result commands.Result
	err := item.err
	if item.underway != nil {
		if result, err = item.underway.Wait(); err != nil {
			err = withinUser(err)
		}
	}
	dst = append(dst, '{')
	if item.line > 0 {
		dst = append(dst, `"line":`...)
		dst = strconv.AppendInt(dst, int64(item.line), 10)
		dst = append(dst, ',')
	}
	if err == nil {
		if written, err2 := x.appendWritten(dst, item, &result); err2 == nil {
			return written
		} else {
			err = err2
		}
	}
	p := asProblem(err)
	faults.tell(x, p)
	return p.appendItem(dst, x.api.config.Epoch)
}

func (x *exchange) appendWritten(dst []byte, item *batchItem, result *commands.Result) ([]byte, error) {
	status := http.StatusOK
	if item.created {
		status = createdStatus(result)
	}
	dst = append(dst, `"status":`...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = appendIDMember(dst, `,"id":"`, result.User.ID.UUID)
	dst = append(dst, `,"etag":"\"`...)
	dst, err := result.Entity.AppendEncode(dst, x.api.config.Epoch)
	if err != nil {
		return nil, err
	}
	dst = append(dst, `\"","consistency":"`...)
	if dst, err = result.Wrote.AppendEncode(dst, x.api.config.Epoch); err != nil {
		return nil, err
	}
	return append(dst, `"}`...), nil
}

// faultLog tells of the faults behind a batch, each code once: what is behind a
// thousand items is one thing.
type faultLog struct{ told map[string]bool }

func (f *faultLog) tell(x *exchange, p *problem) {
	if p.cause == nil || f.told[p.code] {
		return
	}
	if f.told == nil {
		f.told = map[string]bool{}
	}
	f.told[p.code] = true
	x.logFault(p)
}
