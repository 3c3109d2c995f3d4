package feedtest_test

import (
	"testing"

	querysync "github.com/seed5b6a70b4/identity/sync"
	"github.com/seed5b6a70b4/identity/sync/feedtest"
)

func TestModel(t *testing.T) {
	feedtest.Run(t, feedtest.Harness{
		New:  func(testing.TB) querysync.PositionedView { return &feedtest.Model{} },
		Dump: func(_ testing.TB, view querysync.PositionedView) any { return view.(*feedtest.Model).Rows() },
	})
}

// The model whose changes are announced keeps what is promised of such views.
func TestAnnouncedModel(t *testing.T) {
	feedtest.RunAnnounced(t, func(testing.TB) feedtest.AnnouncedView { return &feedtest.AnnouncedModel{} })
}
