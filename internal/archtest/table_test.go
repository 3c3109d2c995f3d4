package archtest

// row says what a package may import, in what is not a test.
type row struct {
	ours      []string // of our packages
	libraries []string // modules, or packages of modules
	// kit tells that the package is there for tests of others: it may import what
	// tests may.
	kit bool
	// program tells that the package is one, or is told by its environment what a
	// machine has, and may read it.
	program bool
}

const (
	uuid       = "github.com/google/uuid"
	jsonV2     = "github.com/go-json-experiment/json"
	errgroup   = "golang.org/x/sync/errgroup"
	unix       = "golang.org/x/sys/unix"
	kong       = "github.com/alecthomas/kong"
	chi        = "github.com/go-chi/chi/v5"
	prometheus = "github.com/prometheus/client_golang"
	otel       = "go.opentelemetry.io/otel"
	otelTrace  = "go.opentelemetry.io/otel/trace"
	otelSDK    = "go.opentelemetry.io/otel/sdk"
	otelAttr   = "go.opentelemetry.io/otel/attribute"
	otelCodes  = "go.opentelemetry.io/otel/codes"

	awsSDK      = "github.com/aws/aws-sdk-go-v2/aws"
	awsDynamoDB = "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awsStreams  = "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	awsLambda   = "github.com/aws/aws-lambda-go"
	awsKinesis  = "github.com/aws/aws-sdk-go-v2/service/kinesis"
	smithy      = "github.com/aws/smithy-go"
)

// table is the picture of design: arrows point inwards only. commands, queries and
// sync do not import each other; a driver imports its parent and the inner ring,
// never a sibling, and the library it is a driver for is imported by it alone.
var table = map[string]row{
	// the inner ring
	"domain":      {libraries: []string{uuid, jsonV2, "golang.org/x/text", "golang.org/x/net/idna"}},
	"eventstream": {libraries: []string{uuid}},

	// the middle
	"commands": {ours: []string{"domain", "eventstream", "internal/deadline"}, libraries: []string{uuid, "github.com/hashicorp/golang-lru/v2", otel, otelTrace, otelAttr, otelCodes}},
	"queries":  {ours: []string{"domain", "eventstream", "internal/deadline", "queries/closure"}, libraries: []string{uuid, jsonV2, otelTrace, errgroup, "github.com/hashicorp/golang-lru/v2"}},
	"sync":     {ours: []string{"eventstream"}, libraries: []string{uuid, prometheus, errgroup}},

	// what the middle is made of
	"queries/closure": {ours: []string{"domain", "eventstream"}, libraries: []string{uuid}},

	// drivers of the inner ring and of the middle
	"eventstream/commitlines":             {ours: []string{"eventstream"}, libraries: []string{uuid}},
	"eventstream/transfer":                {ours: []string{"eventstream"}},
	"eventstream/memstore":                {ours: []string{"eventstream"}},
	"eventstream/logstore":                {ours: []string{"eventstream", "eventstream/logstore/internal/heads", "eventstream/logstore/internal/vfs", "internal/snapshot"}, libraries: []string{uuid, "github.com/gofrs/flock", errgroup, "golang.org/x/time/rate"}},
	"eventstream/logstore/internal/heads": {libraries: []string{unix}},
	"eventstream/logstore/internal/vfs":   {libraries: []string{unix}},
	"eventstream/logstore/internal/memfs": {ours: []string{"eventstream/logstore/internal/vfs"}},
	"queries/dynamoview":                  {ours: []string{"domain", "eventstream", "queries", "internal/awshttp"}, libraries: []string{uuid, awsSDK, awsDynamoDB, smithy, errgroup}},
	"eventstream/dynamostore":             {ours: []string{"eventstream", "internal/awshttp"}, libraries: []string{awsSDK, awsDynamoDB, smithy, "github.com/hashicorp/golang-lru/v2", errgroup}},
	"queries/memview":                     {ours: []string{"domain", "eventstream", "queries", "internal/snapshot"}, libraries: []string{uuid, errgroup}},
	"queries/memsearch":                   {ours: []string{"domain", "eventstream", "queries", "internal/snapshot", "internal/words"}, libraries: []string{uuid, errgroup, unix}},
	"queries/elasticview":                 {ours: []string{"domain", "eventstream", "queries", "internal/words"}, libraries: []string{uuid, jsonV2, "github.com/elastic/go-elasticsearch/v8/esapi", "github.com/elastic/elastic-transport-go/v8"}},
	"sync/changenotices":                  {ours: []string{"eventstream", "sync"}, libraries: []string{errgroup}},
	"sync/lognotices":                     {ours: []string{"eventstream"}},
	"sync/tailfeed":                       {ours: []string{"eventstream", "sync"}},

	// shards of a stream that several processes read, and drivers of that
	"sync/shardfeed":        {ours: []string{"eventstream"}, libraries: []string{uuid, prometheus}},
	"sync/memlease":         {ours: []string{"sync/shardfeed"}},
	"sync/dynamolease":      {ours: []string{"sync/shardfeed"}, libraries: []string{awsSDK, awsDynamoDB}},
	"sync/dynamostate":      {ours: []string{"eventstream", "internal/awshttp"}, libraries: []string{awsSDK, awsDynamoDB}},
	"sync/replica":          {ours: []string{"eventstream", "eventstream/commitlines", "eventstream/transfer"}},
	"sync/generations":      {ours: []string{"eventstream"}},
	"sync/changefeed":       {ours: []string{"eventstream", "eventstream/transfer", "sync", "sync/shardfeed"}, libraries: []string{errgroup}},
	"sync/dynamostreamfeed": {ours: []string{"eventstream", "sync/commitrecord", "sync/shardfeed"}, libraries: []string{awsSDK, awsDynamoDB, awsStreams, smithy}},
	"sync/commitrecord":     {ours: []string{"eventstream"}, libraries: []string{jsonV2}},
	"sync/relay":            {ours: []string{"eventstream", "sync/commitrecord"}, libraries: []string{awsSDK, awsKinesis, smithy, prometheus}},
	"sync/lambdafeed":       {ours: []string{"eventstream", "sync/commitrecord"}, libraries: []string{awsLambda + "/events"}},
	"sync/kinesisfeed":      {ours: []string{"sync/commitrecord", "sync/shardfeed"}, libraries: []string{awsSDK, awsKinesis, smithy}},

	// kits
	"eventstream/storetest": {kit: true, ours: []string{"eventstream", "eventstream/memstore"}, libraries: []string{uuid, "github.com/anishathalye/porcupine"}},
	"queries/viewtest":      {kit: true, ours: []string{"domain", "eventstream", "eventstream/memstore", "queries"}, libraries: []string{uuid, jsonV2}},
	"queries/searchtest":    {kit: true, ours: []string{"domain", "queries", "internal/words"}, libraries: []string{uuid}},
	"sync/feedtest":         {kit: true, ours: []string{"domain", "eventstream", "eventstream/memstore", "sync"}, libraries: []string{uuid, errgroup}},
	"sync/followtest":       {kit: true, ours: []string{"domain", "eventstream", "eventstream/memstore", "queries"}, libraries: []string{uuid}},
	"sync/leasetest":        {kit: true, ours: []string{"sync/shardfeed"}},
	"sync/shardtest":        {kit: true, ours: []string{"eventstream", "internal/awshttp", "internal/testservers", "sync/shardfeed"}, libraries: []string{uuid, prometheus, awsSDK, awsDynamoDB, awsKinesis}},
	"httpapi/apitest":       {kit: true, ours: []string{"eventstream"}},

	// the outer ring
	"httpapi": {
		ours:      []string{"commands", "domain", "eventstream", "eventstream/commitlines", "eventstream/transfer", "internal/deadline", "queries"},
		libraries: []string{uuid, jsonV2, chi, "github.com/danielgtaylor/huma/v2", "github.com/go-chi/httprate", prometheus, otelTrace, otelAttr, otelCodes, otel + "/propagation"},
	},
	"cmd/identity": {
		program: true,
		ours: []string{
			"commands", "domain", "eventstream", "eventstream/commitlines", "eventstream/logstore", "eventstream/transfer", "httpapi", "internal/audit", "internal/deadline", "internal/otlp", "internal/seeding", "internal/snapshot",
			"queries", "queries/closure", "queries/memsearch", "queries/memview", "sync", "sync/tailfeed",
			"eventstream/dynamostore", "internal/awshttp", "queries/dynamoview", "queries/elasticview",
			"sync/changefeed", "sync/changenotices", "sync/dynamolease", "sync/dynamostate", "sync/dynamostreamfeed", "sync/generations", "sync/kinesisfeed", "sync/lambdafeed", "sync/lognotices", "sync/relay", "sync/replica", "sync/shardfeed",
		},
		libraries: []string{
			awsSDK, "github.com/aws/aws-sdk-go-v2/config", awsDynamoDB, awsStreams, awsKinesis, awsLambda + "/lambda", smithy,
			uuid, kong, prometheus, "github.com/schollz/progressbar/v3", errgroup, unix, "golang.org/x/term", "golang.org/x/time/rate", otel, otelTrace, otelSDK, otelAttr, otelCodes,
		},
	},

	// helpers of one or two of the above
	"internal/snapshot":       {},
	"internal/deadline":       {},
	"internal/awshttp":        {},
	"internal/words":          {libraries: []string{"golang.org/x/text/unicode/norm"}},
	"internal/audit":          {ours: []string{"domain", "eventstream", "queries"}, libraries: []string{uuid, errgroup}},
	"internal/otlp":           {libraries: []string{jsonV2, otelSDK, otelAttr, otelCodes}},
	"internal/seeding":        {ours: []string{"commands", "domain"}, libraries: []string{uuid, jsonV2, errgroup}},
	"internal/readme":         {},
	"internal/archtest":       {},
	"internal/bench":          {program: true, ours: []string{"eventstream/logstore", "internal/bench/load"}, libraries: []string{kong, errgroup}},
	"internal/bench/load":     {},
	"internal/bench/floor":    {program: true, libraries: []string{uuid, chi, "github.com/hashicorp/raft", "github.com/hashicorp/raft-wal"}},
	"internal/bench/logbench": {kit: true},
	"internal/testservers":    {kit: true, program: true, libraries: []string{"github.com/gofrs/flock"}},
	"internal/testproxy":      {kit: true, libraries: []string{"github.com/Shopify/toxiproxy/v2", "github.com/rs/zerolog", prometheus}},

	"internal/testservers/keeper": {program: true, libraries: []string{"github.com/gofrs/flock"}},
}

// testLibraries are what tests and kits may import besides.
var testLibraries = []string{"testing", "github.com/google/go-cmp", "pgregory.net/rapid"}
