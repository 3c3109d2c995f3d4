package shardfeed

import "slices"

// lineage is what is known of the shards: what the source lists, and the leases.
type lineage struct {
	listed map[string]Shard
	leases map[string]Lease
}

func newLineage(shards []Shard, leases []Lease) *lineage {
	l := &lineage{listed: make(map[string]Shard, len(shards)), leases: make(map[string]Lease, len(leases))}
	for _, shard := range shards {
		l.listed[shard.ID] = shard
	}
	for _, lease := range leases {
		l.leases[lease.Shard] = lease
	}
	return l
}

// mayBeRead tells whether a shard is to be read now: not before all of its
// parents were read to their end or are gone. What is listed has a lease, and a
// parent that has one is not gone before somebody has found that out and ended it.
func (l *lineage) mayBeRead(lease *Lease) bool {
	return !lease.Ended && !slices.ContainsFunc(lease.Parents, func(parent string) bool {
		of, leased := l.leases[parent]
		return leased && !of.Ended
	})
}

// started tells whether anything was ever handled.
func (l *lineage) started() bool {
	for _, lease := range l.leases {
		if lease.Ended || lease.Checkpoint != "" {
			return true
		}
	}
	return false
}

// isOrphan tells whether nobody can say that what was before a shard was read.
func (l *lineage) isOrphan(shard *Shard) bool {
	for _, parent := range shard.Parents {
		_, isListed := l.listed[parent]
		if _, leased := l.leases[parent]; !leased && !isListed {
			return true
		}
	}
	return len(shard.Parents) == 0
}

// mayBeForgotten tells whether a lease is needed no more: its shard is gone, it
// was read to its end, and its children have leases.
func (l *lineage) mayBeForgotten(lease *Lease) bool {
	if _, isListed := l.listed[lease.Shard]; isListed || !lease.Ended || len(l.listed) == 0 {
		return false
	}
	for id, shard := range l.listed {
		if _, leased := l.leases[id]; !leased && slices.Contains(shard.Parents, lease.Shard) {
			return false
		}
	}
	for _, child := range l.leases {
		if slices.Contains(child.Parents, lease.Shard) {
			return true
		}
	}
	return false
}

// hasChild tells whether the source lists a successor of a shard.
func (l *lineage) hasChild(shard string) bool {
	for _, child := range l.listed {
		if slices.Contains(child.Parents, shard) {
			return true
		}
	}
	return false
}
