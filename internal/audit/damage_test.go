package audit_test

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/audit"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

func text(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }

func number(value int) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.Itoa(value)}
}

func commitKey(stream eventstream.StreamID, seq int) item {
	return item{"p": text(string(stream)), "s": number(seq)}
}

// alter changes what a commit says, and makes its hash right if asked to.
func (c *cloud) alter(t *testing.T, stream eventstream.StreamID, seq int, from, to string, hashed bool) {
	t.Helper()
	one := c.get(t, c.events, commitKey(stream, seq))
	data := one["d"].(*types.AttributeValueMemberB)
	if !bytes.Contains(data.Value, []byte(from)) {
		t.Fatalf("%s@%d does not say %s", stream, seq, from)
	}
	data.Value = bytes.Replace(data.Value, []byte(from), []byte(to), 1)
	c.put(t, c.events, one)
	if hashed {
		c.rehash(t, stream, seq, one)
	}
}

// rehash makes the hash of a commit right.
func (c *cloud) rehash(t *testing.T, stream eventstream.StreamID, seq int, one item) {
	t.Helper()
	for commit := range c.table.Scan(t.Context()) {
		if commit.Stream == stream && commit.Seq == eventstream.Seq(seq) {
			hash := commit.ComputeHash()
			one["h"] = &types.AttributeValueMemberB{Value: hash[:]}
		}
	}
	c.put(t, c.events, one)
}

// row is the item of the view that a test looks for.
func (c *cloud) row(t *testing.T, partition, sort string) item {
	t.Helper()
	for _, one := range c.all(t, c.views) {
		if strings.HasPrefix(one["p"].(*types.AttributeValueMemberS).Value, partition) && one["s"].(*types.AttributeValueMemberS).Value == sort {
			return one
		}
	}
	t.Fatalf("no row %s %s", partition, sort)
	return nil
}

func key(one item) item { return item{"p": one["p"], "s": one["s"]} }

// fact replaces a text in what a row says.
func (c *cloud) fact(t *testing.T, row item, from, to string) {
	t.Helper()
	facts := row["f"].(*types.AttributeValueMemberS)
	if !strings.Contains(facts.Value, from) {
		t.Fatalf("the row does not say %s", from)
	}
	facts.Value = strings.Replace(facts.Value, from, to, 1)
	c.put(t, c.views, row)
}

// damage is what is planted, and what an audit must say of it.
type damage struct {
	name  string
	plant func(*testing.T, *cloud)
	where func(*cloud) eventstream.StreamID // nil is anywhere
	what  string
}

func homerIn(c *cloud) eventstream.StreamID { return eventstream.UserStream(c.homer.UUID) }
func margeIn(c *cloud) eventstream.StreamID { return eventstream.UserStream(c.marge.UUID) }

var storeDamages = []damage{
	{"a commit removed from the middle", func(t *testing.T, c *cloud) { c.remove(t, c.events, commitKey(homerIn(c), 2)) }, homerIn, "does not follow 1"},
	{"a commit removed from the tip", func(t *testing.T, c *cloud) { c.remove(t, c.events, commitKey(homerIn(c), 3)) }, homerIn, "the view's row, at 3, differs from the fold of the stream, at 2"},
	{"a first commit removed", func(t *testing.T, c *cloud) { c.remove(t, c.events, commitKey(homerIn(c), 1)) }, homerIn, "does not follow 0"},
	{"an altered commit", func(t *testing.T, c *cloud) { c.alter(t, homerIn(c), 2, "Homer", "Bomer", false) }, homerIn, "not what its hash says"},
	{"an altered commit with a hash to fit", func(t *testing.T, c *cloud) { c.alter(t, homerIn(c), 2, "Homer", "Bomer", true) }, homerIn, "is not chained"},
	{"an altered tip with a hash to fit", func(t *testing.T, c *cloud) { c.alter(t, homerIn(c), 3, "Homer", "Bomer", true) }, homerIn, "at 3, differs from the fold of the stream, at 3: name"},
	{"two commits in each other's place", func(t *testing.T, c *cloud) {
		one, two := c.get(t, c.events, commitKey(homerIn(c), 2)), c.get(t, c.events, commitKey(homerIn(c), 3))
		one["s"], two["s"] = two["s"], one["s"]
		c.put(t, c.events, one)
		c.put(t, c.events, two)
	}, homerIn, "not what its hash says"},
	{"a missing sibling", func(t *testing.T, c *cloud) {
		c.remove(t, c.events, commitKey(eventstream.ClaimStream("username", secret.Key(domain.UsernameClaim, "homer")), 1))
	}, nil, "its sibling claim/username/"},
	{"a sibling that says something else", func(t *testing.T, c *cloud) {
		c.alter(t, eventstream.UsersStream(eventstream.ShardOf(c.homer.UUID, 4)), c.seqIn(t, c.homer.UUID), "homer", "gomer", true)
	}, homerIn, "SetUsername is not listed in the directory stream"},
	{"a commit that claims siblings which do not name it", func(t *testing.T, c *cloud) {
		stream := eventstream.RequestStream("00ff")
		c.write(t, stream, domain.SetOutcome{Digest: "none", Stream: string(homerIn(c)), Seq: 1})
		one := c.get(t, c.events, commitKey(stream, 1))
		homer := string(homerIn(c))
		one["g"] = &types.AttributeValueMemberB{Value: append(append(binary.AppendUvarint(nil, uint64(len(homer))), homer...), 2)}
		c.put(t, c.events, one)
		c.rehash(t, stream, 1, one)
	}, homerIn, "does not name its sibling request/00ff@1"},
	{"a claim without an owner", func(t *testing.T, c *cloud) {
		c.write(t, eventstream.ClaimStream("username", secret.Key(domain.UsernameClaim, "nobody")), domain.SetOwner{Owner: uuid.Must(uuid.NewV7()), Kind: domain.UserMember, OwnerSeq: 1})
	}, nil, "which was never created"},
	{"a value that nobody claims", func(t *testing.T, c *cloud) {
		c.write(t, eventstream.ClaimStream("email", secret.Key(domain.EmailClaim, "homer@example.org")), domain.SetOwner{OwnerSeq: 3, Former: c.homer.UUID})
	}, homerIn, "its email is claimed by nobody"},
	{"an edge that nesting lacks", func(t *testing.T, c *cloud) {
		c.write(t, eventstream.MemberStream(c.outer.UUID, c.innermost.UUID), domain.SetMember{Present: true, Kind: domain.GroupMember})
	}, nil, "lacks the edge"},
	{"a request that shows what is not there", func(t *testing.T, c *cloud) {
		c.write(t, eventstream.RequestStream("00ff"), domain.SetOutcome{Digest: "none", Stream: string(homerIn(c)), Seq: 9})
	}, nil, "@9, which is not there"},
	{"notices that are none", func(t *testing.T, c *cloud) {
		c.write(t, eventstream.ChangesStream(1), domain.SetActive{Active: true})
	}, nil, "the notices cannot be read"},
	{"an altered notice", func(t *testing.T, c *cloud) {
		c.alter(t, eventstream.ChangesStream(0), 1, `"stream"`, `"Stream"`, false)
	}, func(*cloud) eventstream.StreamID { return eventstream.ChangesStream(0) }, "not what its hash says"},
	{"the newest notice altered", func(t *testing.T, c *cloud) {
		c.alter(t, eventstream.ChangesStream(1), c.newest(t, eventstream.ChangesStream(1)), `"stream"`, `"Stream"`, false)
	}, func(*cloud) eventstream.StreamID { return eventstream.ChangesStream(1) }, "not what its hash says"},
	{"an item that is no commit", func(t *testing.T, c *cloud) {
		one := c.get(t, c.events, commitKey(homerIn(c), 3))
		one["g"] = text("nonsense")
		c.put(t, c.events, one)
	}, homerIn, "cannot be read as a commit"},
}

var viewDamages = []damage{
	{"an altered row", func(t *testing.T, c *cloud) { c.fact(t, c.row(t, "user#", c.homer.String()), "Homer", "Bomer") }, homerIn, "differs from the fold of the stream, at 3: name"},
	{"a row that cannot be read", func(t *testing.T, c *cloud) { c.fact(t, c.row(t, "user#", c.homer.String()), "{", "<") }, homerIn, "the view's row cannot be read"},
	{"a row that is not announced", func(t *testing.T, c *cloud) {
		row := c.row(t, "user#", c.homer.String())
		row["a"] = number(2)
		c.put(t, c.views, row)
	}, homerIn, "is announced up to 2 only, of 3"},
	{"an announcement that the change feed lacks", func(t *testing.T, c *cloud) {
		row := c.row(t, "user#", c.homer.String())
		row["a"] = number(4)
		c.put(t, c.views, row)
	}, homerIn, "the change feed tells of it only up to 3"},
	{"a removed user that is not tidied", func(t *testing.T, c *cloud) {
		row := c.row(t, "user#", c.gone.String())
		delete(row, "t")
		c.put(t, c.views, row)
	}, func(c *cloud) eventstream.StreamID { return eventstream.UserStream(c.gone.UUID) }, "not all announced as ended"},
	{"a missing row", func(t *testing.T, c *cloud) { c.remove(t, c.views, key(c.row(t, "user#", c.marge.String()))) }, margeIn, "the view's row is at 0, the stream at"},
	{"a row that lags", func(t *testing.T, c *cloud) {
		row := c.row(t, "user#", c.homer.String())
		row["n"] = number(2)
		c.put(t, c.views, row)
	}, homerIn, "the view's row is at 2, the stream at 3"},
	{"a membership that its group does not list", func(t *testing.T, c *cloud) {
		c.remove(t, c.views, key(c.row(t, "members#"+c.outer.String(), c.homer.String())))
	}, homerInOuter, "the view's row is at 0"},
	{"a membership that its member does not list", func(t *testing.T, c *cloud) {
		c.remove(t, c.views, key(c.row(t, "groups#"+c.homer.String(), c.outer.String())))
	}, homerInOuter, "is missing from the list of groups of the member"},
	{"a mark that is too high", func(t *testing.T, c *cloud) {
		c.put(t, c.views, item{"p": text("mark"), "s": text("users/1"), "n": number(999)})
	}, func(*cloud) eventstream.StreamID { return eventstream.UsersStream(1) }, "handled it up to 999"},
	{"a row of nobody", func(t *testing.T, c *cloud) {
		row := c.row(t, "user#", c.homer.String())
		row["s"] = text(nobody(c).String())
		c.put(t, c.views, row)
	}, func(c *cloud) eventstream.StreamID { return eventstream.UserStream(nobody(c)) }, "but has no commit"},
}

// nobody is an id that nobody has, whose row would be among those that homer's is
// among: rows are spread by this hash, over two partitions.
func nobody(c *cloud) uuid.UUID {
	spread := func(id uuid.UUID) uint32 {
		hash := fnv.New32a()
		_, _ = hash.Write(id[:])
		return hash.Sum32() % 2
	}
	id := uuid.UUID{0: 1}
	for spread(id) != spread(c.homer.UUID) {
		id[15]++
	}
	return id
}

func homerInOuter(c *cloud) eventstream.StreamID {
	return eventstream.MemberStream(c.outer.UUID, c.homer.UUID)
}

// newest is the last commit of a stream.
func (c *cloud) newest(t *testing.T, stream eventstream.StreamID) (seq int) {
	t.Helper()
	for commit, err := range c.table.Read(t.Context(), stream, 0) {
		must(t, commit, err)
		seq = int(commit.Seq)
	}
	return seq
}

// seqIn is the first commit of a user's directory stream that lists it.
func (c *cloud) seqIn(t *testing.T, user uuid.UUID) int {
	t.Helper()
	for commit, err := range c.table.Read(t.Context(), eventstream.UsersStream(eventstream.ShardOf(user, 4)), 0) {
		must(t, commit, err)
		if bytes.Contains(commit.Data, []byte(user.String())) {
			return int(commit.Seq)
		}
	}
	t.Fatal("nothing lists the user")
	return 0
}

// Whatever is planted into the tables is found; taken out again, nothing is.
func TestDamagedTablesAreFound(t *testing.T) {
	c := newCloud(t)
	c.fill(t)
	c.follow(t)
	for i, test := range slices.Concat(storeDamages, viewDamages) {
		t.Run(test.name, func(t *testing.T) {
			events, views := c.all(t, c.events), c.all(t, c.views)
			defer func() {
				c.restore(t, c.events, events)
				c.restore(t, c.views, views)
			}()
			test.plant(t, c)
			c.mustFind(t, test, time.Hour)
			if i < len(storeDamages) { // what was just written is read in other ways
				c.mustFind(t, test, 0)
			}
		})
	}
	if _, found := c.audit(t, time.Millisecond, time.Hour); len(found) > 0 {
		t.Errorf("with nothing planted: %v", found)
	}
}

func (c *cloud) mustFind(t *testing.T, planted damage, later time.Duration) {
	t.Helper()
	_, found := c.audit(t, time.Millisecond, later)
	if !slices.ContainsFunc(found, func(f audit.Finding) bool {
		return strings.Contains(f.What, planted.what) && (planted.where == nil || f.Stream == planted.where(c))
	}) {
		t.Errorf("nothing found says %q:\n%v", planted.what, found)
	}
}

// restore makes a table what it was.
func (c *cloud) restore(t *testing.T, table string, was []item) {
	t.Helper()
	is := map[string]item{}
	for _, one := range c.all(t, table) {
		is[flat(one)] = one
	}
	for _, one := range was {
		if !reflect.DeepEqual(is[flat(one)], one) {
			c.put(t, table, one)
		}
		delete(is, flat(one))
	}
	for _, one := range is {
		c.remove(t, table, key(one))
	}
}

// flat is the key of an item as one text.
func flat(one item) (all string) {
	for _, name := range []string{"p", "s"} {
		switch value := one[name].(type) {
		case *types.AttributeValueMemberS:
			all += value.Value
		case *types.AttributeValueMemberN:
			all += value.Value
		}
		all += "\x00"
	}
	return all
}

// Whatever is planted into the rows is made anew from the streams, and announced.
func TestDamagedRowsAreMadeAnew(t *testing.T) {
	c := newCloud(t)
	c.fill(t)
	c.follow(t)
	for _, test := range viewDamages {
		t.Run(test.name, func(t *testing.T) {
			test.plant(t, c)
			_, found := c.audit(t, time.Millisecond, time.Hour)
			var streams []eventstream.StreamID
			for _, f := range found {
				if !f.Part.Derived() {
					t.Errorf("%s is not derived: %s", f.Part, f)
				}
				streams = append(streams, f.Stream)
			}
			if err := c.synchroniser.Rederive(t.Context(), c.view.Name(), streams); err != nil {
				t.Fatal(err)
			}
			if _, found := c.audit(t, time.Millisecond, time.Hour); len(found) > 0 {
				t.Errorf("made anew, there is still %v", found)
			}
		})
	}
}

// A repair that is cut off between a row and its announcement leaves what an audit
// finds, and another repair makes whole: those who follow hear of the row.
func TestARepairThatWasCutOffIsFound(t *testing.T) {
	c := newCloud(t)
	c.fill(t)
	c.follow(t)
	for _, stream := range []eventstream.StreamID{homerIn(c), homerInOuter(c)} {
		var commits []eventstream.Commit
		for commit, err := range c.streams.Read(t.Context(), stream, 0) {
			if err != nil {
				t.Fatal(err)
			}
			commits = append(commits, commit)
		}
		if err := c.view.Rederive(t.Context(), stream, commits); err != nil {
			t.Fatal(err)
		}
		_, found := c.audit(t, time.Millisecond, time.Hour)
		if !slices.ContainsFunc(found, func(f audit.Finding) bool { return f.Stream == stream && f.Part.Derived() }) {
			t.Errorf("of %s is found %v", stream.Kind(), found)
		}
		before, err := c.changes.Heads(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := c.synchroniser.Rederive(t.Context(), c.view.Name(), []eventstream.StreamID{stream}); err != nil {
			t.Fatal(err)
		}
		if _, found := c.audit(t, time.Millisecond, time.Hour); len(found) > 0 {
			t.Errorf("made anew, there is still %v", found)
		}
		if told := c.announcedSince(t, before); !slices.Contains(told, stream) {
			t.Errorf("of %s nothing was told: %v", stream.Kind(), told)
		}
	}
}

// announcedSince is what the change feed tells of behind a place.
func (c *cloud) announcedSince(t *testing.T, place eventstream.Token) (told []eventstream.StreamID) {
	t.Helper()
	for _, part := range c.changes.Streams() {
		for commit, err := range c.streams.Read(t.Context(), part, place.Seq(part)) {
			if err != nil {
				t.Fatal(err)
			}
			notices, err := querysync.DecodeNotices(&commit)
			if err != nil {
				t.Fatal(err)
			}
			for _, notice := range notices {
				told = append(told, notice.Stream)
			}
		}
	}
	return told
}
