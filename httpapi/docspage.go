package httpapi

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed" // the page's script
	"fmt"
	"io"
	"net/http"
	"strings"
)

// The page that shows the document to people. Its script is RapiDoc 9.3.8, as it
// was published, under the licences in rapidoc/LICENSE.txt.

//go:embed rapidoc/rapidoc-min.js.gz
var docsScript []byte

// Fields are not filled with examples: look-ups exclude each other, so a request
// with the examples of all parameters would be refused.
const (
	docsScriptPath = "/docs/rapidoc-min.js"
	docsPage       = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>identity</title>
<script type="module" src="` + docsScriptPath + `"></script>
</head>
<body>
<rapi-doc spec-url="/openapi.json" load-fonts="false" theme="light" render-style="read" show-header="false" allow-server-selection="false" allow-spec-url-load="false" allow-spec-file-load="false" persist-auth="false" fill-request-fields-with-example="false"></rapi-doc>
</body>
</html>
`
)

var (
	htmlType   = []string{"text/html; charset=utf-8"}
	scriptType = []string{"text/javascript; charset=utf-8"}
	gzipCoding = []string{"gzip"}
	oneDay     = []string{"public, max-age=86400"}
	// docsPolicy lets the page load its own script and the document, and nothing
	// from anywhere else; RapiDoc writes its styles inline.
	docsPolicy = []string{"default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}
)

func getDocs(_ context.Context, x *exchange) error {
	x.Header()["Content-Security-Policy"] = docsPolicy
	x.out = append(x.out[:0], docsPage...)
	x.send(http.StatusOK, htmlType)
	return nil
}

func getDocsScript(_ context.Context, x *exchange) error {
	header := x.Header()
	header["Cache-Control"] = oneDay
	x.setHeader("Vary", "Accept-Encoding")
	if strings.Contains(x.r.Header.Get("Accept-Encoding"), "gzip") {
		header["Content-Encoding"] = gzipCoding
		x.out = append(x.out[:0], docsScript...)
		x.send(http.StatusOK, scriptType)
		return nil
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(docsScript))
	if err != nil {
		return fmt.Errorf("unpack the script of the docs page: %w", err)
	}
	if x.out, err = io.ReadAll(unpacked); err != nil {
		return fmt.Errorf("unpack the script of the docs page: %w", err)
	}
	x.send(http.StatusOK, scriptType)
	return nil
}
