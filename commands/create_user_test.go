package commands_test

import (
	"context"
	"errors"
	"testing"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
)

func TestSlice(t *testing.T) {
	ctx := context.Background()
	streams := eventstream.New(memstore.New(nil), nil)
	directory, err := commands.OpenDirectory(ctx, streams, domain.ClaimSecret{1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	h := commands.New(streams, directory, nil)
	name, _ := domain.ParseUsername("Hans")
	mail, _ := domain.ParseEmail("h@x.org")
	id := domain.NewID[domain.User]()
	cmd := commands.CreateUser{ID: id, Username: name, Email: mail, Active: true}
	for range 2 {
		r, err := h.Do(ctx, commands.Request{Actor: "me"}, cmd)
		t.Logf("%+v %v %+v", r, err, r.User)
	}
	cmd.ID = domain.NewID[domain.User]()
	_, err = h.Do(ctx, commands.Request{Actor: "me"}, cmd)
	t.Log(err)
	var e *domain.Error
	if !errors.As(err, &e) || e.Code != "username_taken" {
		t.Fatal(err)
	}
	for c, _ := range streams.Read(ctx, "users/0", 0) {
		t.Logf("%s", c.Data)
	}
}
