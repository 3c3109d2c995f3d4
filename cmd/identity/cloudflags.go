package main

import (
	"fmt"
	"regexp"
	"time"
)

// The values of --store, --feed and --search.
const (
	embeddedStore = "embedded"
	dynamoStore   = "dynamodb"

	streamsFeed = "dynamodbstreams"
	kinesisFeed = "kinesis"
	noFeed      = "none"

	embeddedSearch = "embedded"
	elasticSearch  = "elasticsearch"
	noSearch       = "none"
)

// followFlags say how views hear of commits and what follows the views.
type followFlags struct {
	Feed   string `env:"IDENTITY_FEED" placeholder:"NAME" help:"How views hear of commits in DynamoDB: dynamodbstreams (default), kinesis, or none where other processes run identity sync."`
	Search string `env:"IDENTITY_SEARCH" placeholder:"NAME" help:"Search index: embedded (default with the embedded store), elasticsearch (with dynamodb), or none (default with dynamodb)."`
}

// sweepFlags say how often it is looked for what no feed told of.
type sweepFlags struct {
	SweepEvery time.Duration `env:"IDENTITY_SWEEP_EVERY" default:"3m" placeholder:"TIME" help:"With DynamoDB, how often every stream that has moved since the last time is looked at, which finds what no feed told of. Default 3m."`
}

func (f *sweepFlags) check() error {
	if f.SweepEvery < time.Second {
		return misused("--sweep-every, IDENTITY_SWEEP_EVERY: %s is less than a second", f.SweepEvery)
	}
	return nil
}

// fill sets what was not said, for a store, and refuses what does not go with it.
func (f *followFlags) fill(store string) error {
	if store == dynamoStore {
		return f.fillCloud()
	}
	switch f.Feed {
	case "":
	case streamsFeed, kinesisFeed, noFeed:
		return misused("--feed, IDENTITY_FEED: %q goes with --store dynamodb; the embedded store needs no feed", f.Feed)
	default:
		return misused("--feed, IDENTITY_FEED: %q is none of its values; the embedded store needs no feed", f.Feed)
	}
	if f.Search == "" {
		f.Search = embeddedSearch
	}
	if f.Search == elasticSearch {
		return misused("--search, IDENTITY_SEARCH: %q goes with --store dynamodb; the embedded store has an index of its own", f.Search)
	}
	return oneOf("--search, IDENTITY_SEARCH", f.Search, embeddedSearch, noSearch)
}

func (f *followFlags) fillCloud() error {
	if f.Feed == "" {
		f.Feed = streamsFeed
	}
	if f.Search == "" {
		f.Search = noSearch
	}
	if f.Search == embeddedSearch {
		return misused("--search, IDENTITY_SEARCH: %q goes with the embedded store; with dynamodb there are elasticsearch and none", f.Search)
	}
	if err := oneOf("--feed, IDENTITY_FEED", f.Feed, streamsFeed, kinesisFeed, noFeed); err != nil {
		return err
	}
	return oneOf("--search, IDENTITY_SEARCH", f.Search, elasticSearch, noSearch)
}

var prefixForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,99}$`)

func checkPrefix(prefix string) error {
	if !prefixForm.MatchString(prefix) {
		return misused("--table-prefix, IDENTITY_TABLE_PREFIX: %s is none; 1 to 100 small letters, digits, and - _ . behind the first", fmt.Sprintf("%q", prefix))
	}
	return nil
}
