package testservers

import (
	"path/filepath"
	"strings"
)

var dynamoDB = &server{
	name:     "dynamodb",
	variable: "IDENTITY_TEST_DYNAMODB",
	tools:    []string{"java", "mvn", "cc"},
	sources:  []string{file("dynamodb.pom.xml"), file("loopback.c")},
	install:  installDynamoDB,
	command:  dynamoDBCommand,
	ready: func(url string) bool {
		_, body := answers(url)
		return strings.Contains(body, "MissingAuthenticationToken")
	},
}

func installDynamoDB(dir string) error {
	if err := place(dir, "pom.xml", file("dynamodb.pom.xml")); err != nil {
		return err
	}
	// Without its version the native library has the name that it is loaded by.
	err := run(dir, "mvn", "-q", "-B", "-ntp", dependencyPlugin+"copy-dependencies",
		"-DincludeScope=runtime", "-Dmdep.stripVersion=true", "-DoutputDirectory="+filepath.Join(dir, "jars"))
	if err != nil {
		return err
	}
	return installLoopback(dir)
}

func dynamoDBCommand(lib, _, port string) (*command, error) {
	jars := filepath.Join(lib, "jars")
	return &command{
		args: []string{
			"java", "-Xmx768m", "-Djava.net.preferIPv4Stack=true", "-Djava.library.path=" + jars, "-cp", filepath.Join(jars, "*"),
			"software.amazon.dynamodb.services.local.main.ServerRunner", "-inMemory", "-sharedDb", "-disableTelemetry", "-port", port,
		},
		environment: []string{preloadLoopback(lib), "DDB_LOCAL_TELEMETRY=0"},
	}, nil
}
