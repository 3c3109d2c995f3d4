package archtest

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source is a file of the module that is not a test.
type source struct {
	file        string
	pkg         string // its folder, seen from the root
	imports     []string
	environment bool // it reads variables of its environment
}

const module = "github.com/seed5b6a70b4/identity"

func TestImportsAreInTheTable(t *testing.T) {
	for _, s := range sources(t) {
		for _, fault := range s.faults(table) {
			t.Errorf("%s: %s", s.file, fault)
		}
	}
}

func TestTheTableHasOnlyPackagesThatThereAre(t *testing.T) {
	found := map[string]bool{}
	for _, s := range sources(t) {
		found[s.pkg] = true
	}
	for pkg, row := range table {
		for _, named := range append(row.ours, pkg) {
			if !found[named] && !holdsGo(t, named) {
				t.Errorf("the row of %s names %s, which there is not", pkg, named)
			}
		}
	}
}

func TestOneFileSaysWhatIsWrong(t *testing.T) {
	rows := map[string]row{
		"domain": {libraries: []string{"example.com/lib"}}, "commands": {ours: []string{"domain"}}, "kit": {kit: true}, "main": {program: true},
	}
	for _, test := range []struct {
		name   string
		source source
		want   string
	}{
		{"nothing", source{pkg: "commands", imports: []string{"fmt", module + "/domain"}}, ""},
		{"an arrow outwards", source{pkg: "domain", imports: []string{module + "/commands"}}, "imports commands"},
		{"a package below", source{pkg: "commands", imports: []string{module + "/domain/inner"}}, "imports domain/inner"},
		{"the module's root", source{pkg: "commands", imports: []string{module}}, "imports ."},
		{"a library", source{pkg: "domain", imports: []string{"example.com/lib", "example.com/lib/part"}}, ""},
		{"a library of another", source{pkg: "commands", imports: []string{"example.com/lib"}}, "imports example.com/lib"},
		{"a library that begins alike", source{pkg: "domain", imports: []string{"example.com/library"}}, "imports example.com/library"},
		{"testing", source{pkg: "commands", imports: []string{"testing"}}, "imports testing"},
		{"a part of testing", source{pkg: "commands", imports: []string{"testing/fstest"}}, "imports testing/fstest"},
		{"testing in a kit", source{pkg: "kit", imports: []string{"testing", "pgregory.net/rapid", "github.com/google/go-cmp/cmp"}}, ""},
		{"a library for tests", source{pkg: "domain", imports: []string{"pgregory.net/rapid"}}, "imports pgregory.net/rapid"},
		{"C", source{pkg: "domain", imports: []string{"C"}}, "imports C"},
		{"the environment", source{pkg: "domain", environment: true}, "reads its environment"},
		{"the environment of a kit", source{pkg: "kit", environment: true}, "reads its environment"},
		{"the environment of a program", source{pkg: "main", environment: true}, ""},
		{"a package that is not in the table", source{pkg: "other"}, "package other is not in the table"},
	} {
		got := strings.Join(test.source.faults(rows), "; ")
		if (got == "") != (test.want == "") || !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestTheEnvironmentIsFound(t *testing.T) {
	for _, code := range []string{
		`import "os"; var x = os.Getenv("X")`, `import "os"; var x, _ = os.LookupEnv("X")`, `import "os"; var x = os.Environ()`,
		`import other "os"; func f() string { return other.ExpandEnv("$X") }`, `import . "os"; var x = Getenv("X")`, `import "syscall"; var x, _ = syscall.Getenv("X")`, `import "os"; var f = os.Getenv`,
	} {
		if s := parse(t, "x.go", "package x; "+code); !s.environment {
			t.Errorf("not found in: %s", code)
		}
	}
	for _, code := range []string{`import "os"; var x = os.Args`, `func Getenv() {}; func f() { Getenv() }`, `import "os"; type T struct{}; func (T) Getenv() {}; func f(t T) { t.Getenv(); os.Exit(1) }`} {
		if s := parse(t, "x.go", "package x; "+code); s.environment {
			t.Errorf("found in: %s", code)
		}
	}
}

// faults are what is wrong with the file by the table.
func (s *source) faults(table map[string]row) (faults []string) {
	row, known := table[s.pkg]
	if !known {
		return []string{"package " + s.pkg + " is not in the table of arrows"}
	}
	libraries := row.libraries
	if row.kit {
		libraries = append(libraries[:len(libraries):len(libraries)], testLibraries...)
	}
	for _, path := range s.imports {
		if below, isOurs := strings.CutPrefix(path, module); isOurs && (below == "" || below[0] == '/') {
			if ours := cmp.Or(strings.TrimPrefix(below, "/"), "."); !slices.Contains(row.ours, ours) {
				faults = append(faults, fmt.Sprintf("imports %s, which %s may not", ours, s.pkg))
			}
			continue
		}
		if !isPlainLibrary(path) && !slices.ContainsFunc(libraries, func(library string) bool { return path == library || strings.HasPrefix(path, library+"/") }) {
			faults = append(faults, fmt.Sprintf("imports %s, which %s may not", path, s.pkg))
		}
	}
	if s.environment && !row.program {
		faults = append(faults, "reads its environment, which only programs may")
	}
	return faults
}

// isPlainLibrary tells whether anybody may import it: Go's own, but for C and
// what is for tests.
func isPlainLibrary(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".") && first != "testing" && first != "C"
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above this folder")
		}
		dir = filepath.Dir(dir)
	}
}

// sources reads the module's files that are not tests, whatever they are built
// for.
func sources(t *testing.T) []*source {
	t.Helper()
	top := root(t)
	var found []*source
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != top && (name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		relative, err := filepath.Rel(top, path)
		if err != nil {
			return err
		}
		s := parse(t, path, nil)
		s.file, s.pkg = filepath.ToSlash(relative), filepath.ToSlash(filepath.Dir(relative))
		found = append(found, s)
		return nil
	})
	if err != nil || len(found) < 50 {
		t.Fatalf("%d files were found (%v)", len(found), err)
	}
	return found
}

// holdsGo tells whether a folder has Go files, if only tests.
func holdsGo(t *testing.T, pkg string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root(t), filepath.FromSlash(pkg), "*.go"))
	return err == nil && len(files) > 0
}

func parse(t *testing.T, path string, code any) *source {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, code, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	s := &source{}
	names := map[string]bool{} // by which os and syscall are known here
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		s.imports = append(s.imports, imported)
		if imported == "os" || imported == "syscall" {
			name := imported
			if spec.Name != nil {
				name = spec.Name.Name
			}
			names[name] = true
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.SelectorExpr:
			from, isName := n.X.(*ast.Ident)
			s.environment = s.environment || isName && names[from.Name] && readers[n.Sel.Name]
		case *ast.CallExpr:
			called, isName := n.Fun.(*ast.Ident)
			s.environment = s.environment || isName && names["."] && readers[called.Name]
		}
		return true
	})
	slices.Sort(s.imports)
	return s
}

// readers are the functions of os and syscall that read the environment.
var readers = map[string]bool{"Getenv": true, "LookupEnv": true, "Environ": true, "ExpandEnv": true}
