package elasticview

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/seed5b6a70b4/identity/internal/words"
)

var (
	// ErrNoIndex says that Elasticsearch has no index of the name.
	ErrNoIndex = errors.New("there is no such search index")
	// ErrOtherRules says that the index was filled by other rules of cutting and
	// folding words, and must be filled again, as another generation.
	ErrOtherRules = errors.New("the search index was filled by other rules")
)

// Prepare makes what is not there yet: the template, and a first generation with
// the alias. It may be called any number of times.
func (x *Index) Prepare(ctx context.Context) error {
	if err := x.putTemplate(ctx); err != nil {
		return err
	}
	if _, err := x.current(ctx); !errors.Is(err, ErrNoIndex) {
		return err
	}
	err := x.create(ctx, x.generation(1), object{"aliases": object{x.options.Name: object{}}})
	if !isKind(err, "resource_already_exists_exception") {
		return err
	}
	_, err = x.current(ctx) // somebody else made it, with the alias
	return err
}

// Check tells whether the index is there, and was filled by our rules: if not,
// the error is ErrNoIndex or ErrOtherRules.
func (x *Index) Check(ctx context.Context) error {
	var found map[string]struct {
		Mappings struct {
			Meta struct {
				Words string `json:"words"`
			} `json:"_meta"`
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
		if generation.Mappings.Meta.Words != words.Fingerprint() {
			return fmt.Errorf("check the search index %s: %w", x.target, ErrOtherRules)
		}
	}
	return nil
}

// Next makes a generation after the one that the alias names, and gives it, empty,
// to be filled beside it. Where there is one already, that is given.
func (x *Index) Next(ctx context.Context) (*Index, error) {
	if err := x.putTemplate(ctx); err != nil {
		return nil, err
	}
	name, err := x.current(ctx)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(strings.TrimPrefix(name, x.options.Name+"-"))
	if err != nil {
		return nil, fmt.Errorf("make a generation of the search index after %s: %w", name, err)
	}
	next := *x
	next.target = x.generation(number + 1)
	if err := x.create(ctx, next.target, object{}); err != nil && !isKind(err, "resource_already_exists_exception") {
		return nil, err
	}
	return &next, nil
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
	body, err := object{"actions": []object{
		{"remove": object{"index": from, "alias": x.options.Name, "must_exist": true}},
		{"add": object{"index": to.target, "alias": x.options.Name}},
	}}.reader()
	if err != nil {
		return err
	}
	if err := x.client.call(ctx, esapi.IndicesUpdateAliasesRequest{Body: body}, nil); err != nil {
		return fmt.Errorf("switch the search index from %s to %s: %w", from, to.target, err)
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
