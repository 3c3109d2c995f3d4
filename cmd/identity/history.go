package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	neturl "net/url"
	"strings"
	"time"

	"github.com/seed5b6a70b4/identity/domain"
)

// historyCommand shows what happened to a user, a group or a membership.
type historyCommand struct {
	remoteFlags `embed:""`
	ID          string `arg:"" help:"The id of a user or a group, or GROUP/MEMBER for a membership."`
	Members     bool   `help:"Of a group: the commits of all memberships that there ever were in it, by time."`
	At          string `placeholder:"TIME" help:"Only what had happened by then, as RFC 3339 has it: 2026-03-01T00:00:00Z."`
	Diff        bool   `help:"Show what each commit changed, field by field, before and after."`
	Limit       int    `placeholder:"N" help:"Only the last N commits; all of them without it."`
	JSON        bool   `name:"json" help:"Print each commit as a line of JSON, as the API has it."`
}

// Run prints the commits, oldest first.
func (h *historyCommand) Run(c *console) error {
	paths, err := h.paths()
	if err != nil {
		return err
	}
	until, err := h.until()
	if err != nil {
		return err
	}
	if err := h.lookable(); err != nil {
		return err
	}
	return h.with(c, func(to *client) error {
		show := newHistoryPrinter(c.out, h.Members)
		if h.JSON {
			show = &historyPrinter{out: c.out, raw: true}
		}
		visit := show.print
		var last *lastCommits
		if h.Limit > 0 {
			last = &lastCommits{most: h.Limit}
			visit = last.add
		}
		if err := h.walk(c.ctx, to, paths, until, visit); err != nil {
			return err
		}
		if last != nil {
			return last.each(show.print)
		}
		return nil
	})
}

// paths are where the history may be: the first that is there is meant.
func (h *historyCommand) paths() ([]string, error) {
	if h.Limit < 0 {
		return nil, misused("--limit: not a number of commits")
	}
	group, member, isEdge := strings.Cut(h.ID, "/")
	_, err := domain.ParseID[domain.User](group)
	if isEdge && err == nil {
		_, err = domain.ParseID[domain.User](member)
	}
	switch {
	case err != nil:
		return nil, misused("%q is not the id of a user or a group, nor GROUP/MEMBER", h.ID)
	case isEdge && h.Members:
		return nil, misused("--members: %q is not the id of a group", h.ID)
	case isEdge:
		return []string{"/groups/" + group + "/members/" + member + "/history"}, nil
	case h.Members:
		return []string{"/groups/" + group + "/members/history"}, nil
	}
	return []string{"/users/" + group + "/history", "/groups/" + group + "/history"}, nil
}

// until is the instant after which nothing is shown, the zero time if there is
// none.
func (h *historyCommand) until() (time.Time, error) {
	if h.At == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, h.At)
	if err != nil {
		return time.Time{}, misused("--at: not a time as RFC 3339 has it, such as 2026-03-01T00:00:00Z")
	}
	return at, nil
}

// walk visits the commits up to an instant, in order.
func (h *historyCommand) walk(ctx context.Context, to *client, paths []string, until time.Time, visit func(json.RawMessage) error) error {
	for _, path := range paths {
		err := walkHistory(ctx, to, path, h.Diff, until, visit)
		var refused *problem
		if !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
			return err
		}
	}
	what := "user or group"
	switch {
	case h.Members:
		what = "group"
	case strings.Contains(h.ID, "/"):
		what = "membership"
	}
	return fmt.Errorf("there never was a %s %s", what, h.ID)
}

func walkHistory(ctx context.Context, to *client, path string, diff bool, until time.Time, visit func(json.RawMessage) error) error {
	for at := fmt.Sprintf("%s?limit=500&diff=%t", path, diff); ; {
		var page struct {
			Items []json.RawMessage `json:"items"`
			Next  *string           `json:"next"`
		}
		if _, err := to.do(ctx, http.MethodGet, at, nil, &page); err != nil {
			return err
		}
		for _, item := range page.Items {
			var commit struct {
				Time time.Time `json:"time"`
			}
			if err := json.Unmarshal(item, &commit); err != nil {
				return fmt.Errorf("read a commit: %w", err)
			}
			if !until.IsZero() && commit.Time.After(until) {
				return nil
			}
			if err := visit(item); err != nil {
				return err
			}
		}
		if page.Next == nil {
			return nil
		}
		at = path + "?limit=500&cursor=" + neturl.QueryEscape(*page.Next)
	}
}

// lastCommits keeps the last ones of those that it is shown.
type lastCommits struct {
	most int
	kept []json.RawMessage
}

func (l *lastCommits) add(item json.RawMessage) error {
	if l.kept = append(l.kept, item); len(l.kept) >= 2*l.most {
		l.kept = append(l.kept[:0], l.kept[len(l.kept)-l.most:]...)
	}
	return nil
}

func (l *lastCommits) each(visit func(json.RawMessage) error) error {
	for _, item := range l.kept[max(0, len(l.kept)-l.most):] {
		if err := visit(item); err != nil {
			return err
		}
	}
	return nil
}
