package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/sync/dynamolease"
	"github.com/seed5b6a70b4/identity/sync/shardfeed"
)

// filledGroup is the group of leases that note which tables of views were filled,
// by when they were made.
const filledGroup = "filled"

// fillViews makes a table of views show every stream there is, unless it was
// filled since it was made: feeds that were read before tell of nothing again.
func fillViews(ctx context.Context, prefix string) error {
	c, err := openCloud(ctx, prefix, followFlags{Feed: noFeed}, settings{})
	if err != nil {
		return err
	}
	return errors.Join(c.fillViews(ctx), c.close())
}

func (c *cloud) fillViews(ctx context.Context) error {
	rows, _ := c.followed.current()
	table := numbered(c.names.Views, rows.number)
	note, err := c.filledNote(ctx, table)
	if err != nil {
		return err
	}
	filled, err := dynamolease.New(c.dynamodb, c.names.State, filledGroup).List(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(filled, func(l shardfeed.Lease) bool { return l.Shard == note.Shard }) {
		return nil
	}
	if err := c.synchroniser.Sweep(ctx, time.Time{}); err != nil {
		return fmt.Errorf("fill the table %s, try again: %w", table, err)
	}
	return c.noteFilled(ctx, table)
}

// filledNote is the note that a table is filled: of the one that was made at that
// instant, not of a later one.
func (c *cloud) filledNote(ctx context.Context, table string) (note shardfeed.Lease, err error) {
	described, err := c.dynamodb.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		return note, fmt.Errorf("look for the table %s: %w: %w", table, eventstream.ErrUnavailable, err)
	}
	return shardfeed.Lease{Shard: aws.ToTime(described.Table.CreationDateTime).UTC().Format(time.RFC3339Nano), Since: time.Now()}, nil
}

func (c *cloud) noteFilled(ctx context.Context, table string) error {
	note, err := c.filledNote(ctx, table)
	if err != nil {
		return err
	}
	notes := dynamolease.New(c.dynamodb, c.names.State, filledGroup)
	if _, err := notes.Create(ctx, note); err != nil && !errors.Is(err, shardfeed.ErrLost) {
		return fmt.Errorf("note that the table %s is filled: %w: %w", table, eventstream.ErrUnavailable, err)
	}
	return nil
}
