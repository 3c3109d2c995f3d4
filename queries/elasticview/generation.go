package elasticview

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/seed5b6a70b4/identity/eventstream"
	"github.com/seed5b6a70b4/identity/internal/words"
)

var (
	// ErrNoIndex says that Elasticsearch has no index of the name.
	ErrNoIndex = errors.New("there is no such search index")
	// ErrOtherRules says that the index was filled by other rules of cutting and
	// folding words, or with what these rules do not know, and must be filled again, as
	// another generation.
	ErrOtherRules = errors.New("the search index was filled by other rules")
)

// Prepare makes what is not there yet: the template, the generation of a number,
// and the alias, which names that if it names none. It may be called any number of
// times.
func (x *Index) Prepare(ctx context.Context, number int) error {
	to := x.At(number)
	if err := to.Make(ctx); err != nil {
		return err
	}
	if _, err := x.current(ctx); !errors.Is(err, ErrNoIndex) {
		return err
	}
	return x.move(ctx, object{"add": object{"index": to.target, "alias": x.options.Name}})
}

// At gives a generation, whether the alias names it or not. What is known of x is
// not known of it.
func (x *Index) At(number int) *Index {
	return &Index{options: x.options, client: x.client, target: x.generation(number)}
}

// Make makes the generation, empty, to be filled beside the one that answers,
// unless it is there.
func (x *Index) Make(ctx context.Context) error {
	if err := x.putTemplate(ctx); err != nil {
		return err
	}
	if err := x.create(ctx, x.target, object{}); err != nil && !isKind(err, "resource_already_exists_exception") {
		return err
	}
	return nil
}

// Remove deletes the generation, if it is there.
func (x *Index) Remove(ctx context.Context) error {
	err := x.client.call(ctx, esapi.IndicesDeleteRequest{Index: []string{x.target}}, nil)
	if err != nil && !isStatus(err, http.StatusNotFound) {
		return fmt.Errorf("delete the search index %s: %w", x.target, err)
	}
	return nil
}

// Check tells whether the index is there, and can be written and asked by our
// rules: if not, the error is ErrNoIndex or ErrOtherRules. One that was made for
// documents of fewer fields can be: it gets those fields only.
func (x *Index) Check(ctx context.Context) error {
	var found map[string]struct {
		Mappings struct {
			Meta struct {
				Words    string `json:"words"`
				Document int    `json:"document"`
			} `json:"_meta"`
			Properties map[string]struct{} `json:"properties"`
		} `json:"mappings"`
	}
	err := x.client.call(ctx, esapi.IndicesGetMappingRequest{Index: []string{x.target}}, &found)
	switch {
	case isStatus(err, http.StatusNotFound):
		err = ErrNoIndex
	case err == nil && len(found) != 1:
		err = errors.New("the alias names more than one")
	}
	if err != nil {
		return fmt.Errorf("check the search index %s: %w", x.target, err)
	}
	for _, generation := range found {
		m := &generation.Mappings
		if m.Meta.Words != words.Fingerprint() || m.Meta.Document > documentVersion {
			return fmt.Errorf("check the search index %s: %w", x.target, ErrOtherRules)
		}
		lacks := map[string]bool{}
		for field := range properties() {
			if _, has := m.Properties[field]; !has {
				lacks[field] = true
			}
		}
		x.lacks.Store(&lacks)
	}
	return nil
}

// lacking are the fields that the generation was made without.
func (x *Index) lacking(ctx context.Context) (map[string]bool, error) {
	for attempt := 1; x.lacks.Load() == nil; attempt++ {
		err := x.Check(ctx)
		if err == nil {
			break
		}
		if attempt == attempts || !errors.Is(err, eventstream.ErrUnavailable) {
			return nil, err
		}
		if ended := pause(ctx, attempt); ended != nil {
			return nil, fmt.Errorf("%w while waiting after: %w", ended, err)
		}
	}
	return *x.lacks.Load(), nil
}

// Switch lets the alias name another generation than before, at once. The former
// one stays.
func (x *Index) Switch(ctx context.Context, to *Index) error {
	from, err := x.current(ctx)
	if err != nil {
		return err
	}
	if from == to.target {
		return nil
	}
	return x.move(ctx,
		object{"remove": object{"index": from, "alias": x.options.Name, "must_exist": true}},
		object{"add": object{"index": to.target, "alias": x.options.Name}},
	)
}

// move does something to the alias, all of it at once.
func (x *Index) move(ctx context.Context, actions ...object) error {
	body, err := object{"actions": actions}.reader()
	if err != nil {
		return err
	}
	if err := x.client.call(ctx, esapi.IndicesUpdateAliasesRequest{Body: body}, nil); err != nil {
		return fmt.Errorf("switch the alias %s: %w", x.options.Name, err)
	}
	return nil
}

// Generation is the name of the index in Elasticsearch that x puts into.
func (x *Index) Generation(ctx context.Context) (string, error) {
	if x.target != x.options.Name {
		return x.target, nil
	}
	return x.current(ctx)
}

func (x *Index) generation(number int) string {
	return x.options.Name + "-" + strconv.Itoa(number)
}

// current is the generation that the alias names.
func (x *Index) current(ctx context.Context) (string, error) {
	var found map[string]struct{}
	err := x.client.call(ctx, esapi.IndicesGetAliasRequest{Name: []string{x.options.Name}}, &found)
	switch {
	case isStatus(err, http.StatusNotFound):
		err = ErrNoIndex
	case err == nil && len(found) != 1:
		err = fmt.Errorf("it names %d indexes", len(found))
	}
	if err != nil {
		return "", fmt.Errorf("look up the alias %s: %w", x.options.Name, err)
	}
	for name := range found {
		return name, nil
	}
	return "", nil
}

func (x *Index) putTemplate(ctx context.Context) error {
	body, err := x.template().reader()
	if err != nil {
		return err
	}
	if err := x.client.call(ctx, esapi.IndicesPutIndexTemplateRequest{Name: x.options.Name, Body: body}, nil); err != nil {
		return fmt.Errorf("put the template of the search index %s: %w", x.options.Name, err)
	}
	return nil
}

func (x *Index) create(ctx context.Context, name string, how object) error {
	body, err := how.reader()
	if err != nil {
		return err
	}
	if err := x.client.call(ctx, esapi.IndicesCreateRequest{Index: name, Body: body}, nil); err != nil {
		return fmt.Errorf("create the search index %s: %w", name, err)
	}
	return nil
}
