package testservers

import "path/filepath"

var kinesis = &server{
	name:     "kinesis",
	variable: "IDENTITY_TEST_KINESIS",
	tools:    []string{"node", "npm", "cc"},
	sources:  []string{file("kinesis.package.json"), file("loopback.c")},
	install:  installKinesis,
	command:  kinesisCommand,
	ready: func(url string) bool {
		status, _ := answers(url + "/healthcheck")
		return isOK(status)
	},
}

func installKinesis(dir string) error {
	if err := place(dir, "package.json", file("kinesis.package.json")); err != nil {
		return err
	}
	if err := run(dir, "npm", "install", "--no-audit", "--no-fund", "--loglevel=error"); err != nil {
		return err
	}
	return installLoopback(dir)
}

func kinesisCommand(lib, _, port string) (*command, error) {
	program := filepath.Join(lib, "node_modules", "kinesis-local")
	c := &command{
		args: []string{"node", filepath.Join(program, "main.js")},
		environment: []string{
			preloadLoopback(lib), "LOG_LEVEL=WARN", "SHARD_LIMIT=1000",
			"KINESIS_MOCK_PLAIN_PORT=" + port, "KINESIS_MOCK_TLS_PORT=0", "KINESIS_MOCK_CERT_PATH=" + filepath.Join(program, "server.json"),
		},
	}
	for _, change := range []string{"CREATE_STREAM", "DELETE_STREAM", "SPLIT_SHARD", "MERGE_SHARDS", "UPDATE_SHARD_COUNT"} {
		c.environment = append(c.environment, change+"_DURATION=50ms")
	}
	return c, nil
}
