package seeding

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
)

// MaxDepth is how many groups the longest chain of groups in groups has.
const MaxDepth = 6

var purposes = []string{"Team", "Project", "Access", "Mailing list", "Guild", "Approvers", "On call", "Alumni"}

// GroupID is the id of a group, by number from 0.
func (p Plan) GroupID(number int) domain.GroupID {
	return domain.GroupID{UUID: id(p.draw(groupLane, number), number)}
}

// Group is what makes a group, by number from 0.
func (p Plan) Group(number int) commands.CreateGroup {
	from := p.draw(groupLane, number)
	group := commands.CreateGroup{ID: domain.GroupID{UUID: id(from, number)}}
	place, department := pick(from, places), pick(from, departments)
	group.Name = must(domain.ParseGroupName(fmt.Sprintf("%s %s %s %d%s", pick(from, purposes), department, place, number, p.mark())))
	if from.IntN(2) == 0 {
		group.Description = must(domain.ParseText(fmt.Sprintf("%s in %s", department, place), domain.MaxDescription))
	}
	if from.IntN(4) == 0 {
		group.ExternalID = must(domain.ParseExternalID("cost-center-" + strconv.Itoa(number) + p.mark()))
	}
	if from.IntN(2) == 0 {
		group.Attributes = domain.Attributes{"location": must(domain.ParseAttribute(jsontext.Value(strconv.Quote(place))))}
	}
	return group
}

// Parent is the group that a group is in, false if it is in none. About half are
// in one, always one of a lower number, so there is no cycle.
func (p Plan) Parent(number int) (parent int, nested bool) {
	parent, depth := p.place(number)
	return parent, depth > 1
}

// place gives a group's parent and how many groups the chain from the outermost
// to the group has.
func (p Plan) place(number int) (parent, depth int) {
	from := p.draw(nestingLane, number)
	if number == 0 || from.IntN(2) == 0 {
		return 0, 1
	}
	parent = from.IntN(number)
	if _, above := p.place(parent); above < MaxDepth {
		return parent, above + 1
	}
	return 0, 1
}
