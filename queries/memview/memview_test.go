package memview_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed5b6a70b4/identity/queries/memview"
	"github.com/seed5b6a70b4/identity/queries/viewtest"
)

var _ viewtest.View = (*memview.View)(nil)

func TestConformance(t *testing.T) {
	viewtest.Run(t, viewtest.Harness{
		New: func(*testing.T) viewtest.View { return memview.New(nil) },
		Settle: func(ctx context.Context, view viewtest.View) error {
			return view.(*memview.View).Tidy(ctx)
		},
	})
}

// everything has cmp look into values too.
var everything = cmp.Exporter(func(reflect.Type) bool { return true })
