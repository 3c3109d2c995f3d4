package shardfeed

import "math/rand/v2"

// A claim on a lease that a worker wants, and why it may have it.
type claim struct {
	lease Lease
	// from is the worker that is alive and has too many; empty if nobody holds it.
	from string
}

// share chooses which leases a worker should take, of all those whose shards may
// be read. Those without a living owner are shared out evenly; of the others one
// is taken from whoever has at least two more, so that it ends.
func share(leases []Lease, me string, mine int, free func(*Lease) bool) []claim {
	var claims []claim
	owned := map[string][]Lease{}
	for _, lease := range leases {
		switch {
		case free(&lease):
			claims = append(claims, claim{lease: lease})
		case lease.Owner != me:
			owned[lease.Owner] = append(owned[lease.Owner], lease)
		}
	}
	rand.Shuffle(len(claims), func(i, j int) { claims[i], claims[j] = claims[j], claims[i] })
	workers := len(owned) + 1
	if most := max(0, (len(leases)+workers-1)/workers-mine); len(claims) > most {
		return claims[:most]
	}
	for mine += len(claims); ; mine++ {
		richest := ""
		for owner := range owned {
			if richest == "" || len(owned[owner]) > len(owned[richest]) {
				richest = owner
			}
		}
		if richest == "" || len(owned[richest]) < mine+2 {
			return claims
		}
		theirs := owned[richest]
		i := rand.IntN(len(theirs))
		claims = append(claims, claim{theirs[i], richest})
		theirs[i] = theirs[len(theirs)-1]
		owned[richest] = theirs[:len(theirs)-1]
	}
}
