package dynamoview

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
)

// item is an item of the table, or a key of one.
type item map[string]types.AttributeValue

func itemKey(partition string, id uuid.UUID) item {
	return item{"p": &types.AttributeValueMemberS{Value: partition}, "s": &types.AttributeValueMemberS{Value: id.String()}}
}

const keyPartition = "key"

func (v *View) bucket(kind eventstream.Kind, id uuid.UUID) string {
	hash := fnv.New32a()
	_, _ = hash.Write(id[:])
	return partition(kind, int(hash.Sum32()%uint32(v.options.Buckets)))
}

func partition(kind eventstream.Kind, bucket int) string {
	return string(kind) + "#" + strconv.Itoa(bucket)
}

func membersOf(group domain.GroupID) string { return "members#" + group.String() }
func groupsOf(member uuid.UUID) string      { return "groups#" + member.String() }

// numbers and texts are written and read by these; what is not there is zero.

func (i item) setNumber(name string, value uint64) {
	i[name] = &types.AttributeValueMemberN{Value: strconv.FormatUint(value, 10)}
}

func (i item) number(name string) (uint64, error) {
	value, found := i[name].(*types.AttributeValueMemberN)
	if !found {
		return 0, nil
	}
	number, err := strconv.ParseUint(value.Value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("attribute %s: %w", name, err)
	}
	return number, nil
}

func (i item) setText(name, value string) { i[name] = &types.AttributeValueMemberS{Value: value} }

func (i item) text(name string) string {
	value, found := i[name].(*types.AttributeValueMemberS)
	if !found {
		return ""
	}
	return value.Value
}

func (i item) setTime(name string, at time.Time) { i.setNumber(name, uint64(at.UnixMilli())) }

func (i item) time(name string) (time.Time, error) {
	milliseconds, err := i.number(name)
	return time.UnixMilli(int64(milliseconds)).UTC(), err
}

func (i item) id() (uuid.UUID, error) {
	id, err := uuid.Parse(i.text("s"))
	if err != nil {
		return uuid.Nil, fmt.Errorf("sort key: %w", err)
	}
	return id, nil
}
