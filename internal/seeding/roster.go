package seeding

import "slices"

// Roster is who is in which group: a list of users' numbers for each group, in
// ascending order.
type Roster struct {
	starts  []uint32
	members []uint32
}

// Roster draws the memberships of all users: none to six for each, three on
// average (fewer where there are hardly any groups), in groups of very uneven
// sizes. It takes 4 bytes a membership.
func (p Plan) Roster() *Roster {
	starts := make([]uint32, p.Groups+2)
	p.eachMembership(func(_, group int) { starts[group+2]++ })
	for i := 2; i < len(starts); i++ {
		starts[i] += starts[i-1]
	}
	members := make([]uint32, starts[len(starts)-1])
	p.eachMembership(func(user, group int) {
		members[starts[group+1]] = uint32(user)
		starts[group+1]++
	})
	return &Roster{starts: starts[:p.Groups+1], members: members}
}

// Members are the users in a group. Callers must not change the slice.
func (r *Roster) Members(group int) []uint32 {
	return r.members[r.starts[group]:r.starts[group+1]]
}

// Len is how many memberships there are.
func (r *Roster) Len() int { return len(r.members) }

// eachMembership goes over the memberships, user by user. The number of a group
// is the cube of a uniform draw: the size falls with the number's two thirds'
// power, so that of ten thousand groups the first has a twentieth of all.
func (p Plan) eachMembership(visit func(user, group int)) {
	if p.Groups == 0 {
		return
	}
	for user := range p.Users {
		from := p.draw(memberLane, user)
		wanted := from.IntN(3) + from.IntN(3) + from.IntN(3)
		var drawn [6]int
		for n := range wanted {
			u := from.Float64()
			group := int(float64(p.Groups) * (u * u * u))
			if slices.Contains(drawn[:n], group) {
				group = -1
			}
			drawn[n] = group
			if group >= 0 {
				visit(user, group)
			}
		}
	}
}
