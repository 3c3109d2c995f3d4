package memview

// Stats is what a view holds, as it was while it was counted.
type Stats struct {
	// Users, Groups and Keys are those that exist or, of keys, are active.
	Users, Groups, Keys int
	// Memberships are those that are present and that Tidy has not taken out for
	// an end that was removed.
	Memberships int
	// Former are the other memberships that there ever were.
	Former int
	// Nodes are the ids that were ever named, of users and groups.
	Nodes int
	// Chores are the entities whose memberships Tidy has still to go over.
	Chores int
	// RowBytes is what the arenas take, of which GarbageBytes are rows that were
	// replaced and SpareBytes not used yet.
	RowBytes, GarbageBytes, SpareBytes int
	// EdgeBytes is what the lists of memberships take, in both directions.
	EdgeBytes int
}

// Stats counts what the view holds. It takes each shard's lock once, for about as
// long as reading a row.
func (v *View) Stats() Stats {
	stats := Stats{Nodes: int(v.nodes.count.Load()), Chores: v.chores.left()}
	stats.Users, stats.Groups = v.lists[userSide].count(), v.lists[groupSide].count()
	v.keys.mu.RLock()
	stats.Keys = len(v.keys.active)
	v.keys.mu.RUnlock()
	for i := range v.shards {
		v.shards[i].count(&stats)
	}
	return stats
}

func (l *list) count() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.refs.count
}

func (s *shard) count(stats *Stats) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	stats.Memberships += s.edges.count
	stats.Former += s.former.count
	stats.RowBytes += s.rows.held
	stats.GarbageBytes += s.rows.garbage
	if s.rows.tail > 0 {
		tail := s.rows.chunks[s.rows.tail].bytes
		stats.SpareBytes += cap(tail) - len(tail)
	}
	const backSize = 8
	stats.EdgeBytes += edgeSize*(s.edges.held()+s.former.held()) + backSize*(s.backs.held()+s.formerBacks.held())
}
