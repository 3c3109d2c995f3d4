package commands_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/seed5b6a70b4/identity/commands"
	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/eventstream/memstore"
)

func benchHandler(b *testing.B) *commands.Handler {
	b.Helper()
	streams := eventstream.New(memstore.New(nil), nil)
	directory, err := commands.OpenDirectory(b.Context(), streams, secret, 1)
	if err != nil {
		b.Fatal(err)
	}
	return commands.New(streams, directory, nil)
}

func benchUser(i int) commands.CreateUser {
	n := strconv.Itoa(i)
	return commands.CreateUser{
		Username: username("user" + n), Email: email("user" + n + "@example.org"), Name: text("User Number " + n), GivenName: text("User"),
		FamilyName: text("Number"), Active: true,
		Attributes: domain.Attributes{"department": attribute(`"engineering"`), "floor": attribute(`3`), "tags": attribute(`["a","b"]`)},
	}
}

// BenchmarkCreateUser is to be compared with BenchmarkAppendOfCreateUser, which
// appends the same transactions without deciding anything.
func BenchmarkCreateUser(b *testing.B) {
	handler := benchHandler(b)
	creates := make([]commands.CreateUser, b.N)
	for i := range creates {
		creates[i] = benchUser(i)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if _, err := handler.Do(b.Context(), actor, creates[i]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendOfCreateUser(b *testing.B) {
	recorder := &recordingStore{Store: memstore.New(nil)}
	streams := eventstream.New(recorder, nil)
	directory, err := commands.OpenDirectory(b.Context(), streams, secret, 1)
	if err != nil {
		b.Fatal(err)
	}
	handler := commands.New(streams, directory, nil)
	for i := range b.N {
		if _, err := handler.Do(b.Context(), actor, benchUser(i)); err != nil {
			b.Fatal(err)
		}
	}
	store := memstore.New(nil)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range recorder.transactions {
		if _, err := store.Append(b.Context(), recorder.transactions[i]); err != nil {
			b.Fatal(err)
		}
	}
}

// recordingStore keeps the transactions that it was given.
type recordingStore struct {
	eventstream.Store
	transactions []eventstream.Transaction
}

func (s *recordingStore) Append(ctx context.Context, tx eventstream.Transaction) ([]eventstream.Commit, error) {
	s.transactions = append(s.transactions, tx)
	return s.Store.Append(ctx, tx)
}

func BenchmarkUpdateUserWithLongHistory(b *testing.B) {
	handler := benchHandler(b)
	create := benchUser(0)
	create.ID = userID("anna")
	if _, err := handler.Do(b.Context(), actor, create); err != nil {
		b.Fatal(err)
	}
	names := make([]domain.Text, b.N)
	for i := range names {
		names[i] = text(fmt.Sprint("name ", i))
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if _, err := handler.Do(b.Context(), actor, commands.UpdateUser{ID: userID("anna"), Name: commands.To(names[i])}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAddMember(b *testing.B) {
	handler := benchHandler(b)
	group := commands.CreateGroup{ID: groupID("staff"), Name: groupName("staff")}
	if _, err := handler.Do(b.Context(), actor, group); err != nil {
		b.Fatal(err)
	}
	adds := make([]commands.AddMember, b.N)
	for i := range adds {
		result, err := handler.Do(b.Context(), actor, benchUser(i))
		if err != nil {
			b.Fatal(err)
		}
		adds[i] = commands.AddMember{Group: group.ID, Member: result.User.ID.UUID}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if _, err := handler.Do(b.Context(), actor, adds[i]); err != nil {
			b.Fatal(err)
		}
	}
}
