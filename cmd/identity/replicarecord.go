package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/seed5b6a70b4/identity/sync/dynamostate"
	"github.com/seed5b6a70b4/identity/sync/replica"
)

// replicaRecord says that a store follows another one, and how far.
type replicaRecord struct {
	// Source is the followed service's address.
	Source string `json:"source"`
	// Epoch is the life of the source that is followed, Ordered whether its events come
	// in the order of a log; both are empty until the source was reached once.
	Epoch   string `json:"epoch,omitempty"`
	Ordered bool   `json:"ordered,omitempty"`
	// Here tells that this life has begun in the store too: if the store lives another
	// one, it has taken over since.
	Here bool `json:"here,omitempty"`
	// After is the place up to which everything is here.
	After string `json:"after,omitempty"`
}

// replicaRecords keep the record of one store.
type replicaRecords interface {
	// load gives the record, nil if the store follows none.
	load(ctx context.Context) (*replicaRecord, error)
	// begin keeps a record where there may be none yet; save only in place of one: it
	// fails with replica.ErrOver once the record was forgotten.
	begin(ctx context.Context, record *replicaRecord) error
	save(ctx context.Context, record *replicaRecord) error
	forget(ctx context.Context) error
}

var errForgotten = fmt.Errorf("%w: this store has taken over meanwhile", replica.ErrOver)

var errStranger = fmt.Errorf("%w: it is another directory, or lives another life, than the one that was followed", replica.ErrRefused)

// replicaFile is the record in a data directory.
const replicaFile = "replica.json"

// replicaRecordFile keeps the record in a data directory, whose lock its process holds.
type replicaRecordFile struct{ data dataDirectory }

func (f replicaRecordFile) load(context.Context) (*replicaRecord, error) {
	text, absent, err := f.data.readSecret(replicaFile)
	if err != nil || absent {
		return nil, err
	}
	return parseReplicaRecord([]byte(text))
}

func parseReplicaRecord(text []byte) (*replicaRecord, error) {
	record := &replicaRecord{}
	if err := json.Unmarshal(text, record); err != nil {
		return nil, fmt.Errorf("the record of a replica cannot be read: %w", err)
	}
	return record, nil
}

func (f replicaRecordFile) begin(_ context.Context, record *replicaRecord) error {
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	return f.data.replace(replicaFile, string(text)+"\n", secretMode)
}

func (f replicaRecordFile) save(ctx context.Context, record *replicaRecord) error {
	return f.begin(ctx, record)
}

func (f replicaRecordFile) forget(context.Context) error {
	if err := os.Remove(f.data.file(replicaFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("forget the followed service: %w", err)
	}
	return f.data.sync()
}

// replicaRecordItem keeps the record in the table of state.
type replicaRecordItem struct{ state *dynamostate.State }

func (i replicaRecordItem) load(ctx context.Context) (*replicaRecord, error) {
	text, err := i.state.Replica(ctx)
	if err != nil || text == nil {
		return nil, err
	}
	return parseReplicaRecord(text)
}

func (i replicaRecordItem) begin(ctx context.Context, record *replicaRecord) error {
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	_, err = i.state.SetReplica(ctx, text, true)
	return err
}

func (i replicaRecordItem) save(ctx context.Context, record *replicaRecord) error {
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	kept, err := i.state.SetReplica(ctx, text, false)
	if err == nil && !kept {
		err = errForgotten
	}
	return err
}

func (i replicaRecordItem) forget(ctx context.Context) error { return i.state.ForgetReplica(ctx) }

// replicaNotes are the notes of a follower, kept in a record.
type replicaNotes struct {
	records replicaRecords
	source  string
}

var _ replica.Notes = (*replicaNotes)(nil)

func (n *replicaNotes) record(ctx context.Context) (*replicaRecord, error) {
	record, err := n.records.load(ctx)
	if err == nil && record == nil {
		err = errForgotten
	}
	return record, err
}

// Meet implements replica.Notes.
func (n *replicaNotes) Meet(ctx context.Context, epoch string, ordered bool) error {
	record, err := n.record(ctx)
	if err != nil {
		return err
	}
	switch record.Epoch {
	case epoch:
		return nil
	case "":
		record.Epoch, record.Ordered = epoch, ordered
		return n.records.save(ctx, record)
	}
	return errStranger
}

// Place implements replica.Notes.
func (n *replicaNotes) Place(ctx context.Context) (string, error) {
	record, err := n.record(ctx)
	if err != nil {
		return "", err
	}
	return record.After, nil
}

// Note implements replica.Notes.
func (n *replicaNotes) Note(ctx context.Context, place string) error {
	record, err := n.record(ctx)
	if err != nil || record.After == place {
		return err
	}
	record.After, record.Source = place, n.source
	return n.records.save(ctx, record)
}
