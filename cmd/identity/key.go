package main

import (
	"errors"
	"fmt"
	"net/http"
	neturl "net/url"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/seed5b6a70b4/identity/domain"
)

// keyCommand looks after API keys.
type keyCommand struct {
	Create keyCreate `cmd:"" help:"Make an API key and print it; it is not shown again."`
	List   keyList   `cmd:"" help:"List the API keys that were not revoked."`
	Revoke keyRevoke `cmd:"" help:"Revoke an API key."`
}

type keyCreate struct {
	remoteFlags `embed:""`
	Scope       []string `required:"" placeholder:"NAME" help:"What the key allows: read, write or admin; several with commas."`
	Label       string   `default:"made on the command line" placeholder:"TEXT" help:"What the key is for."`
	Owner       string   `placeholder:"ID" help:"The user it belongs to; by default it is a service's."`
}

// apiKey is a key as the service tells it.
type apiKey struct {
	ID        string   `json:"id,omitempty"`
	Label     string   `json:"label"`
	Scopes    []string `json:"scopes"`
	Owner     string   `json:"owner,omitempty"`
	CreatedAt string   `json:"createdAt,omitempty"`
	Key       string   `json:"key,omitempty"`
}

// Run prints the key alone, so that a script can take it as it is.
func (k *keyCreate) Run(c *console) error {
	if err := k.check(); err != nil {
		return err
	}
	return k.with(c, func(to *client) error {
		var made apiKey
		if _, err := to.do(c.ctx, http.MethodPost, "/keys", apiKey{Label: k.Label, Scopes: k.Scope, Owner: k.Owner}, &made); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(c.err, "made key %s; it is not shown again:\n", made.ID)
		_, err := fmt.Fprintln(c.out, made.Key)
		return err
	})
}

// check refuses what no key can be made of.
func (k *keyCreate) check() error {
	if len(k.Scope) == 0 {
		return misused("--scope: at least one is needed, of read, write and admin")
	}
	for _, scope := range k.Scope {
		if !slices.Contains([]string{"read", "write", "admin"}, scope) {
			return misused("--scope: %q is none; read, write and admin are", scope)
		}
	}
	if _, err := domain.ParseText(k.Label, domain.MaxText); err != nil {
		return misused("--label: %v", err)
	}
	if _, err := domain.ParseID[domain.User](k.Owner); k.Owner != "" && err != nil {
		return misused("--owner: not the id of a user")
	}
	return nil
}

type keyList struct {
	remoteFlags `embed:""`
}

// Run prints a table.
func (k *keyList) Run(c *console) error {
	if err := k.lookable(); err != nil {
		return err
	}
	return k.with(c, func(to *client) error {
		table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(table, "ID\tLABEL\tSCOPES\tOWNER\tCREATED")
		for cursor := ""; ; {
			var page struct {
				Items []apiKey `json:"items"`
				Next  *string  `json:"next"`
			}
			if _, err := to.do(c.ctx, http.MethodGet, "/keys?limit=500"+cursor, nil, &page); err != nil {
				return err
			}
			for _, key := range page.Items {
				_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", key.ID, key.Label, strings.Join(key.Scopes, ","), key.Owner, key.CreatedAt)
			}
			if page.Next == nil {
				return table.Flush()
			}
			cursor = "&cursor=" + neturl.QueryEscape(*page.Next)
		}
	})
}

type keyRevoke struct {
	remoteFlags `embed:""`
	ID          string `arg:"" help:"The key's id, as key list shows it."`
}

// Run revokes the key; it is refused from then on.
func (k *keyRevoke) Run(c *console) error {
	if err := k.lookable(); err != nil {
		return err
	}
	return k.with(c, func(to *client) error {
		_, err := to.do(c.ctx, http.MethodDelete, "/keys/"+neturl.PathEscape(k.ID), nil, nil)
		var refused *problem
		if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
			return fmt.Errorf("there is no key %s", k.ID)
		}
		if err == nil {
			_, _ = fmt.Fprintf(c.err, "revoked key %s\n", k.ID)
		}
		return err
	})
}

// lookable refuses a data directory that holds nothing.
func (f *remoteFlags) lookable() error {
	if err := f.check(); err != nil {
		return err
	}
	if f.URL != "" {
		return nil
	}
	return f.existing()
}

// with does something with a client.
func (f *remoteFlags) with(c *console, do func(*client) error) error {
	to, err := f.client(c.ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(to), to.close())
}
