package testservers_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/seed5b6a70b4/identity/internal/testservers"
)

func TestServersAnswer(t *testing.T) {
	for name, url := range map[string]func(testing.TB) string{
		"dynamodb": testservers.DynamoDB, "kinesis": testservers.Kinesis, "elasticsearch": testservers.Elasticsearch,
	} {
		t.Run(name, func(t *testing.T) {
			first := url(t)
			response, err := http.Get(first)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if second := url(t); second != first {
				t.Errorf("a second test is given %s, not %s", second, first)
			}
			listensOnLoopbackOnly(t, first)
		})
	}
}

// listensOnLoopbackOnly looks for the server at the machine's other addresses.
func listensOnLoopbackOnly(t *testing.T, url string) {
	t.Helper()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		network, ok := address.(*net.IPNet)
		if !ok || network.IP.IsLoopback() || network.IP.IsLinkLocalUnicast() {
			continue
		}
		if connection, err := net.Dial("tcp", net.JoinHostPort(network.IP.String(), port)); err == nil {
			connection.Close()
			t.Errorf("it listens on %s too", network.IP)
		}
	}
}

func TestAnAddressThatIsGivenIsUsed(t *testing.T) {
	t.Setenv("IDENTITY_TEST_DYNAMODB", "http://example.test:8000/")
	if url := testservers.DynamoDB(t); url != "http://example.test:8000" {
		t.Errorf("the address is %s", url)
	}
}
