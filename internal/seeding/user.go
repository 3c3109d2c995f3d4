package seeding

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
)

// UserID is the id of a user, by number from 0.
func (p Plan) UserID(number int) domain.UserID {
	return domain.UserID{UUID: id(p.draw(userLane, number), number)}
}

// User is what makes a user, by number from 0.
func (p Plan) User(number int) commands.CreateUser {
	from := p.draw(userLane, number)
	user := commands.CreateUser{ID: domain.UserID{UUID: id(from, number)}, Active: from.IntN(25) > 0}
	people := pick(from, cultures())
	given, family := people.person(from)
	unique := strconv.Itoa(number) + p.mark()

	login := given.latin + "." + family.latin + unique
	user.Username = must(domain.ParseUsername(login))
	if from.IntN(12) == 0 {
		user.Username = must(domain.ParseUsername(strings.ReplaceAll(given.written, " ", "") + unique))
	}
	if from.IntN(25) > 0 {
		user.Email = must(domain.ParseEmail(login + "@" + pick(from, hosts)))
	}
	user.Name = must(domain.ParseText(people.join(given.written, family.written), domain.MaxText))
	user.GivenName = must(domain.ParseText(given.written, domain.MaxText))
	user.FamilyName = must(domain.ParseText(family.written, domain.MaxText))
	if from.IntN(10) < 3 {
		user.ExternalID = must(domain.ParseExternalID(fmt.Sprintf("hr-%08d%s", number, p.mark())))
	}
	user.Attributes = attributes(from, number)
	return user
}

// person draws a given and a family name; some people have two of one.
func (c *culture) person(from *rand.Rand) (given, family name) {
	given, family = pick(from, c.given), pick(from, c.family)
	switch other := from.IntN(12); {
	case c.joint != " ":
	case other == 0:
		second := pick(from, c.given)
		given = name{given.written + " " + second.written, given.latin}
	case other == 1:
		second := pick(from, c.family)
		family = name{family.written + " " + second.written, family.latin}
	}
	return given, family
}

// hosts are reserved for examples (RFC 2606), so no mail ever reaches anybody.
var hosts = []string{
	"example.com", "example.com", "example.com", "example.org", "example.org", "example.net",
	"mail.example.com", "staff.example.org", "students.example.net", "bücher.example",
}

var (
	departments = []string{"Engineering", "Sales", "Finance", "People", "Legal", "Marketing", "Operations", "Support", "Research", "Facilities", "Security", "Design"}
	places      = []string{"Berlin", "Zürich", "København", "Kraków", "São Paulo", "México", "New York", "Montréal", "Москва", "Αθήνα", "القاهرة", "मुंबई", "서울", "東京", "上海", "Hà Nội", "İstanbul", "ירושלים"}
	titles      = []string{"Engineer", "Senior engineer", "Manager", "Analyst", "Director", "Assistant", "Consultant", "Specialist", "Team lead", "Intern"}
	tongues     = []string{"en", "de", "fr", "es", "pl", "ru", "el", "ar", "hi", "ko", "zh", "ja", "vi", "tr", "he", "th"}
)

// attributes draws none to six attributes, three on average.
func attributes(from *rand.Rand, number int) domain.Attributes {
	drawn := domain.Attributes{}
	set := func(name, json string) { drawn[name] = must(domain.ParseAttribute(jsontext.Value(json))) }
	for which := range 6 {
		if from.IntN(2) == 0 {
			continue
		}
		switch which {
		case 0:
			set("department", strconv.Quote(pick(from, departments)))
		case 1:
			set("location", strconv.Quote(pick(from, places)))
		case 2:
			set("title", strconv.Quote(pick(from, titles)))
		case 3:
			set("employeeNumber", strconv.Itoa(100000+number))
		case 4:
			set("languages", fmt.Sprintf("[%q,%q]", pick(from, tongues), pick(from, tongues)))
		case 5:
			set("remote", strconv.FormatBool(from.IntN(4) == 0))
		}
	}
	return drawn
}
