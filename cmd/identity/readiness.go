package main

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/httpapi"
	querysync "github.com/seed5b6a70b4/identity/sync"
)

// shownParked is how many parked streams /readyz names at most, per view.
const shownParked = 20

// readiness tells whether requests should be sent here, and how everything is
// doing. A store that takes no writes still answers reads: it is ready.
func (s *service) readiness(ctx context.Context) httpapi.Readiness {
	r := httpapi.Readiness{Ready: true}
	r.Views, r.Store = s.engine.status()
	if r.Store != nil && r.Store.Refusing == "" {
		if err := s.engine.base().commands.Writable(ctx); err != nil {
			r.Store.Refusing = refusing(err)
		}
	}
	if s.replication != nil {
		r.Views = append(r.Views, s.replication.status())
	}
	if s.draining.Load() {
		r.Ready, r.Reason = false, "draining"
	}
	return r
}

// refusing says why no command would be taken, to everybody: without what the storage
// says in its own words.
func refusing(err error) string {
	if errors.Is(err, commands.ErrFollower) || errors.Is(err, commands.ErrStoreClosed) {
		return err.Error()
	}
	return "it cannot be found out whether the store is open"
}

// status implements engine.
func (b *embedded) status() ([]httpapi.ViewStatus, *httpapi.StoreStatus) {
	return b.viewStatus(), b.storeStatus()
}

func (b *embedded) viewStatus() []httpapi.ViewStatus {
	end := b.store.End()
	now := b.answering.Load()
	views := []httpapi.ViewStatus{status(now.rows.view.Name(), now.rows.view.Applied(), end)}
	for _, lag := range b.synchroniser.Lags() {
		if lag.View == views[0].Name {
			views[0].Lag = lag.Age
		}
	}
	addParked(views, b.synchroniser.Parked())
	if now.search != nil {
		index := status(now.search.name, now.search.forwarder.Applied(), end)
		if index.Behind > 0 {
			index.Lag = -1 // when what it lacks was written is not known
		}
		views = append(views, index)
	}
	return append(views, b.closureStatus())
}

// addParked notes in each view's status what is parked there.
func addParked(views []httpapi.ViewStatus, all []querysync.Parked) {
	for _, parked := range all {
		for i := range views {
			if views[i].Name != parked.View {
				continue
			}
			if views[i].Parked++; views[i].Parked <= shownParked {
				views[i].Streams = append(views[i].Streams, httpapi.ParkedStream{Stream: parked.Stream, Seq: parked.Seq, Reason: parked.Reason})
			}
		}
	}
}

func status(name string, applied, end uint64) httpapi.ViewStatus {
	return httpapi.ViewStatus{Name: name, Position: applied, Behind: end - min(applied, end)}
}

func (b *embedded) storeStatus() *httpapi.StoreStatus {
	health := b.store.Health()
	status := &httpapi.StoreStatus{Position: health.End}
	if health.Err != nil {
		status.Refusing = health.Err.Error()
	}
	if health.Damage != nil {
		status.Damage = health.Damage.Error()
	}
	if free, err := b.diskFree(); err == nil {
		status.FreeBytes = free
	}
	return status
}

// diskFree is how much room the log's disk has now.
func (b *embedded) diskFree() (uint64, error) {
	if b.settings.freeSpace != nil {
		return b.settings.freeSpace()
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(b.data.path, &disk); err != nil {
		return 0, err
	}
	return disk.Bavail * uint64(disk.Bsize), nil
}
