package testservers

import "strings"

var elasticsearch = &server{
	name:     "elasticsearch",
	variable: "IDENTITY_TEST_ELASTICSEARCH",
	tools:    []string{"java", "mvn"},
	sources:  []string{"none yet"},
	install:  func(string) error { return unable("it is not known how to install it") },
	ready: func(url string) bool {
		_, body := answers(url)
		return strings.Contains(body, `"cluster_uuid"`)
	},
}
