package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// compose is what the compose file says.
type compose struct {
	Services map[string]composeService `yaml:"services"`
}

type composeService struct {
	Image       string            `yaml:"image"`
	Build       string            `yaml:"build"`
	Profiles    []string          `yaml:"profiles"`
	Command     []string          `yaml:"command"`
	Ports       []string          `yaml:"ports"`
	Environment map[string]string `yaml:"environment"`
	Health      *struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
	DependsOn map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
}

func readCompose(t *testing.T) compose {
	t.Helper()
	text, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file compose
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

// onlyHere is a port that only this machine can reach.
var onlyHere = regexp.MustCompile(`^127\.0\.0\.1:\d+:\d+$`)

// pinned is an image of one version.
var pinned = regexp.MustCompile(`:\d+\.\d+\.\d+$`)

func TestComposeIsPinnedHealthyAndLocal(t *testing.T) {
	file := readCompose(t)
	taken := map[string]string{}
	for name, service := range file.Services {
		for _, port := range service.Ports {
			if !onlyHere.MatchString(port) {
				t.Errorf("%s: port %s is not bound to 127.0.0.1", name, port)
			}
			host := port[:strings.LastIndex(port, ":")]
			if other := taken[host]; other != "" {
				t.Errorf("%s and %s both take %s", name, other, host)
			}
			taken[host] = name
		}
		if service.Build != "" {
			continue
		}
		if !pinned.MatchString(service.Image) {
			t.Errorf("%s: image %q is not pinned", name, service.Image)
		}
		if service.Health == nil || len(service.Health.Test) < 2 {
			t.Errorf("%s has no health check", name)
		}
	}
	for name, service := range file.Services {
		for on, how := range service.DependsOn {
			other, there := file.Services[on]
			switch {
			case !there:
				t.Errorf("%s depends on %s, which there is not", name, on)
			case how.Condition == "service_healthy" && other.Health == nil:
				t.Errorf("%s waits for the health of %s, which has no check", name, on)
			case !slices.Equal(service.Profiles, other.Profiles):
				t.Errorf("%s depends on %s, of other profiles", name, on)
			}
		}
	}
}

// What the services of ours are told is what the program reads: commands and flags
// by its own parser, variables of ours by its model, all others by its source.
func TestComposeSaysWhatTheProgramReads(t *testing.T) {
	parser, err := kong.New(&cli{}, kong.Name("identity"))
	if err != nil {
		t.Fatal(err)
	}
	read := variablesRead(t)
	ours := 0
	for name, service := range readCompose(t).Services {
		if service.Build == "" {
			continue
		}
		ours++
		command := service.Command
		if len(command) == 0 {
			command = []string{"serve"} // as the Dockerfile says
		}
		for variable, value := range service.Environment {
			if !read[variable] {
				t.Errorf("%s sets %s, which nothing reads", name, variable)
			}
			t.Setenv(variable, value)
		}
		context, err := parser.Parse(command)
		if err != nil {
			t.Errorf("%s runs %q: %v", name, command, err)
			continue
		}
		checks := context.Selected().Target.Addr().Interface()
		switch chosen := checks.(type) {
		case *serveCommand:
			err = chosen.check()
		case *initCommand:
			if err = chosen.check(); err == nil {
				err = chosen.fill(chosen.Store)
			}
		case *syncCommand:
			if err = chosen.dataFlags.check(); err == nil {
				err = chosen.fill(chosen.Store)
			}
		case *relayCommand:
			err = chosen.dataFlags.check()
		default:
			t.Errorf("%s runs %q", name, command)
		}
		if err != nil {
			t.Errorf("%s runs %q: %v", name, command, err)
		}
		for variable := range service.Environment {
			if err := os.Unsetenv(variable); err != nil {
				t.Fatal(err)
			}
		}
	}
	if ours != 5 {
		t.Errorf("%d services are ours", ours)
	}
}

// fromSDK are variables that the AWS SDK reads for us: endpoints by the names of
// services whose clients are made.
var fromSDK = []string{
	"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
	"AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_DYNAMODB_STREAMS", "AWS_ENDPOINT_URL_KINESIS",
}

// variablesRead are the variables that the flags and the source of this program
// name, and the SDK's.
func variablesRead(t *testing.T) map[string]bool {
	t.Helper()
	read := map[string]bool{adminVar: true, claimVar: true, elasticURL: true, elasticUser: true, elasticPassword: true, elasticAPIKey: true}
	for _, variable := range fromSDK {
		read[variable] = true
	}
	parser, err := kong.New(&cli{})
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Leaves(true) {
		for _, flag := range command.Flags {
			for _, variable := range flag.Envs {
				read[variable] = true
			}
		}
	}
	return read
}
