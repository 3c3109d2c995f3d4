package main

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/seed5b6a70b4/identity/httpapi"
)

// shownParked is how many parked streams /readyz names at most, per view.
const shownParked = 20

// readiness tells whether requests should be sent here, and how everything is
// doing. A store that takes no writes for now still answers reads: it is ready.
func (s *service) readiness(context.Context) httpapi.Readiness {
	b := s.backends
	r := httpapi.Readiness{Ready: true, Views: b.viewStatus(), Store: b.storeStatus()}
	if s.draining.Load() {
		r.Ready, r.Reason = false, "draining"
	}
	return r
}

func (b *backends) viewStatus() []httpapi.ViewStatus {
	end := b.store.End()
	views := []httpapi.ViewStatus{status(b.view.Name(), b.view.Applied(), end)}
	for _, parked := range b.synchroniser.Parked() {
		for i := range views {
			if views[i].Name != parked.View {
				continue
			}
			if views[i].Parked++; views[i].Parked <= shownParked {
				views[i].Streams = append(views[i].Streams, httpapi.ParkedStream{Stream: parked.Stream, Seq: parked.Seq, Reason: parked.Reason})
			}
		}
	}
	if b.search != nil {
		views = append(views, status("memsearch", b.search.forwarder.Applied(), end))
	}
	return views
}

func status(name string, applied, end uint64) httpapi.ViewStatus {
	return httpapi.ViewStatus{Name: name, Position: applied, Behind: end - min(applied, end)}
}

func (b *backends) storeStatus() *httpapi.StoreStatus {
	health := b.store.Health()
	status := &httpapi.StoreStatus{Position: health.End}
	if health.Err != nil {
		status.Refusing = health.Err.Error()
	}
	if health.Damage != nil {
		status.Damage = health.Damage.Error()
	}
	var disk unix.Statfs_t
	if unix.Statfs(b.data.path, &disk) == nil {
		status.FreeBytes = disk.Bavail * uint64(disk.Bsize)
	}
	return status
}
