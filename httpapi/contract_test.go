package httpapi_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed5b6a70b4/identity/httpapi"
	"github.com/seed5b6a70b4/identity/httpapi/apitest"
)

func TestContract(t *testing.T) {
	handler := newDirectory(t, wiring{}).handler(t, func(c *httpapi.Config) { c.Registry = prometheus.NewRegistry() })
	apitest.Run(t, &apitest.Target{URL: serve(t, handler).URL, AdminKey: adminKey, NoOperators: true})
}

func TestContractWithoutSearch(t *testing.T) {
	handler := newDirectory(t, wiring{noSearch: true}).handler(t, nil)
	apitest.Run(t, &apitest.Target{URL: serve(t, handler).URL, AdminKey: adminKey, NoSearch: true, NoOperators: true})
}
