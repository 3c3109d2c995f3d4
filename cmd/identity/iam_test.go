package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/google/go-cmp/cmp"
)

// What permissions are on.
const (
	iamEvents  = "arn:aws:dynamodb:REGION:ACCOUNT:table/PREFIX-events"
	iamRecent  = iamEvents + "/index/*"
	iamStream  = iamEvents + "/stream/*"
	iamState   = "arn:aws:dynamodb:REGION:ACCOUNT:table/PREFIX-state"
	iamKinesis = "arn:aws:kinesis:REGION:ACCOUNT:stream/PREFIX-events"
)

// iamViews are the generations of rows.
var iamViews = []string{"arn:aws:dynamodb:REGION:ACCOUNT:table/PREFIX-views", "arn:aws:dynamodb:REGION:ACCOUNT:table/PREFIX-views-*"}

// part is some of the source, a file or a folder, and what its calls are on.
type part struct {
	source string
	on     []string
}

var (
	iamStore = []part{{"eventstream/dynamostore", []string{iamEvents}}}
	// recent.go asks the index where all others ask the table; table.go is for tests.
	iamView = []part{{"queries/dynamoview", iamViews}}
	// Tables of views are made, read as a whole and deleted by those who build.
	// Rows and marks are made anew by whoever is asked to repair.
	iamRepair   = []part{{"queries/dynamoview/rederive.go", iamViews}}
	iamBuilding = []part{{"queries/dynamoview/generation.go", iamViews}, {"queries/dynamoview/scan.go", iamViews}}
	iamShared   = []part{{"sync/dynamostate", []string{iamState}}, {"sync/dynamolease", []string{iamState}}}
	iamPresent  = []part{{"cmd/identity/cloudclients.go", append([]string{iamEvents, iamState}, iamViews...)}}
	iamFeeds    = []part{{"sync/dynamostreamfeed", []string{iamEvents}}, {"sync/kinesisfeed", []string{iamKinesis}}, {"cmd/identity/cloudfeeds.go", []string{iamKinesis}}}
	iamRelay    = []part{{"sync/dynamostreamfeed", []string{iamEvents}}, {"sync/relay", []string{iamKinesis}}, {"cmd/identity/cloudfeeds.go", []string{iamKinesis}}, {"sync/dynamolease", []string{iamState}}, {"cmd/identity/cloudclients.go", []string{iamEvents, iamState}}}
	iamMaking   = []part{{"cmd/identity/init.go", append([]string{iamEvents, iamState}, iamViews...)}, {"cmd/identity/initcloud.go", []string{iamKinesis}}, {"cmd/identity/fillviews.go", iamViews}, {"cmd/identity/restore.go", []string{iamEvents}}}
	iamEngine   = slices.Concat(iamStore, iamView, iamShared, iamPresent)
)

// roles are what runs, of which parts of the source.
var roles = map[string][]part{
	"serve --feed none":  slices.Concat(iamEngine, iamRepair),
	"serve":              slices.Concat(iamEngine, iamFeeds, iamBuilding, iamRepair),
	"sync":               slices.Concat(iamEngine, iamFeeds, iamBuilding),
	"sync as a function": iamEngine,
	"relay":              iamRelay,
	"init":               slices.Concat(iamEngine, iamMaking),
}

// notDone are permissions that a role's source would need and that the role does
// not: a synchroniser decides on no command, and writes one stream at a time.
var notDone = map[string][]string{
	"sync":               {"dynamodb:ConditionCheckItem " + iamEvents},
	"sync as a function": {"dynamodb:ConditionCheckItem " + iamEvents},
}

// ofMapping is what an event source mapping asks for with its function's role.
var ofMapping = []string{
	"dynamodb:DescribeStream " + iamStream, "dynamodb:GetRecords " + iamStream, "dynamodb:GetShardIterator " + iamStream, "dynamodb:ListStreams *",
	"kinesis:DescribeStream " + iamKinesis, "kinesis:DescribeStreamSummary " + iamKinesis, "kinesis:GetRecords " + iamKinesis,
	"kinesis:GetShardIterator " + iamKinesis, "kinesis:ListShards " + iamKinesis, "kinesis:ListStreams *",
	"logs:CreateLogGroup *", "logs:CreateLogStream *", "logs:PutLogEvents *",
}

// The policies of docs/aws.md allow what the source asks for, and nothing else.
func TestPoliciesAllowWhatIsAskedFor(t *testing.T) {
	written := policies(t)
	for role, parts := range roles {
		want := map[string]bool{}
		for _, part := range parts {
			for _, permission := range part.permissions(t) {
				want[permission] = true
			}
		}
		for _, permission := range notDone[role] {
			delete(want, permission)
		}
		if role == "sync as a function" {
			for _, permission := range ofMapping {
				want[permission] = true
			}
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), written[role]); diff != "" {
			t.Errorf("the policy of %s (-source +docs):\n%s", role, diff)
		}
	}
	for role := range written {
		if roles[role] == nil {
			t.Errorf("there is a policy of %s, which is no role", role)
		}
	}
}

// policyBlock is a policy in the docs, under the heading of its role.
var policyBlock = regexp.MustCompile("(?s)### `([^`]+)`[^\n]*\n(?:[^#`]|`[^`]|`` )*?```json\n(.*?)```")

// policies are the permissions that the docs allow, by role.
func policies(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/aws.md")
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string][]string{}
	for _, block := range policyBlock.FindAllStringSubmatch(string(text), -1) {
		var policy struct {
			Version   string
			Statement []struct {
				Effect    string
				Action    []string
				Resource  []string
				Condition map[string]map[string]string
			}
		}
		if err := json.Unmarshal([]byte(block[2]), &policy); err != nil {
			t.Fatalf("the policy of %s: %v", block[1], err)
		}
		if policy.Version != "2012-10-17" {
			t.Errorf("the policy of %s is of version %s", block[1], policy.Version)
		}
		var permissions []string
		for _, s := range policy.Statement {
			if s.Effect != "Allow" {
				t.Errorf("the policy of %s has a %s", block[1], s.Effect)
			}
			for _, resource := range s.Resource {
				for _, action := range s.Action {
					permissions = append(permissions, action+" "+resource)
				}
			}
		}
		slices.Sort(permissions)
		allowed[block[1]] = permissions
	}
	return allowed
}

// permissions are what the calls of a part of the source need.
func (p part) permissions(t *testing.T) (permissions []string) {
	t.Helper()
	files := []string{filepath.Join("../..", p.source)}
	if !strings.HasSuffix(p.source, ".go") {
		var err error
		if files, err = filepath.Glob(filepath.Join("../..", p.source, "*.go")); err != nil || len(files) == 0 {
			t.Fatalf("there is no %s: %v", p.source, err)
		}
	}
	for _, file := range files {
		name := filepath.Base(file)
		apart := slices.ContainsFunc(slices.Concat(iamBuilding, iamRepair), func(p part) bool { return strings.HasSuffix(file, p.source) })
		if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(file, "dynamostore/table.go") || apart && !strings.HasSuffix(p.source, ".go") {
			continue
		}
		for _, action := range sdkActions(t, file) {
			on := p.on
			switch {
			case name == "recent.go" && action == "dynamodb:Query":
				on = []string{iamRecent}
			case strings.HasPrefix(action, "streams:"):
				on, action = []string{iamStream}, "dynamodb:"+strings.TrimPrefix(action, "streams:")
			}
			for _, resource := range on {
				permissions = append(permissions, action+" "+resource)
			}
		}
	}
	return permissions
}

// services are the SDK's packages whose clients are called.
var services = map[string]struct {
	name   string
	client reflect.Type
}{
	"github.com/aws/aws-sdk-go-v2/service/dynamodb":        {"dynamodb", reflect.TypeFor[*dynamodb.Client]()},
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams": {"streams", reflect.TypeFor[*dynamodbstreams.Client]()},
	"github.com/aws/aws-sdk-go-v2/service/kinesis":         {"kinesis", reflect.TypeFor[*kinesis.Client]()},
}

// helpers of the SDK, and the operation that they call.
var helpers = map[string]string{"NewQueryPaginator": "Query", "NewScanPaginator": "Scan", "NewTableExistsWaiter": "DescribeTable", "NewStreamExistsWaiter": "DescribeStream"}

// inTransactions are the fields of types.TransactWriteItem, and what each needs;
// there is no permission for TransactWriteItems itself.
var inTransactions = map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}

// sdkActions are the actions of the calls of SDK clients in a file.
func sdkActions(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	actions := map[string]bool{}
	add := func(operation string) {
		for _, spec := range file.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if service, is := services[imported]; is {
				if _, has := service.client.MethodByName(operation); has {
					actions[service.name+":"+operation] = true
				}
			}
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.CallExpr:
			selector, is := n.Fun.(*ast.SelectorExpr)
			if is && len(n.Args) > 0 && selector.Sel.Name != "Options" && selector.Sel.Name != "TransactWriteItems" {
				add(selector.Sel.Name)
				add(helpers[selector.Sel.Name])
			}
		case *ast.CompositeLit:
			if selector, is := n.Type.(*ast.SelectorExpr); is && selector.Sel.Name == "TransactWriteItem" {
				for _, element := range n.Elts {
					actions["dynamodb:"+inTransactions[element.(*ast.KeyValueExpr).Key.(*ast.Ident).Name]] = true
				}
			}
		}
		return true
	})
	return slices.Sorted(maps.Keys(actions))
}
