package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// unconditional are requests to DynamoDB that can carry no condition, or of which
// some may be done and others not: a commit written by one would overwrite
// another.
var unconditional = []string{"BatchWriteItem", "BatchExecuteStatement"}

// TestNothingIsWrittenInBatches, by whatever means: nothing that is not a test has
// a name like that in it.
func TestNothingIsWrittenInBatches(t *testing.T) {
	for _, s := range sources(t) {
		for _, name := range namesLike(t, filepath.Join(root(t), s.file), nil, unconditional) {
			t.Errorf("%s uses %s", s.file, name)
		}
	}
}

func TestBatchesAreFound(t *testing.T) {
	for code, want := range map[string]int{
		`func f(c *dynamodb.Client) { c.BatchWriteItem(nil, &dynamodb.BatchWriteItemInput{}) }`: 2,
		`var write = (*dynamodb.Client).BatchWriteItem`:                                         1,
		`type batcher interface { BatchExecuteStatement() }`:                                    1,
		`func f() {} // never BatchWriteItem`:                                                   0,
		`var denied = "dynamodb:BatchWriteItem"`:                                                0,
	} {
		if got := namesLike(t, "x.go", "package x; "+code, unconditional); len(got) != want {
			t.Errorf("found %v in: %s", got, code)
		}
	}
}

// namesLike are the names in a file that hold one of some others.
func namesLike(t *testing.T, path string, code any, others []string) (found []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, code, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if name, ok := node.(*ast.Ident); ok {
			for _, other := range others {
				if strings.Contains(name.Name, other) {
					found = append(found, name.Name)
				}
			}
		}
		return true
	})
	return found
}
