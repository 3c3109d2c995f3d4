package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// versionCommand takes a data directory as every command does, and needs none.
type versionCommand struct {
	Data string `env:"IDENTITY_DATA" hidden:""`
}

// Run prints the version, the revision it was built from, and the compiler.
func (versionCommand) Run(c *console) error {
	_, err := fmt.Fprintf(c.out, "identity %s (%s %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// version is the module's, or the revision if it was not built as a module of
// some version.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
			return "devel-" + setting.Value[:12]
		}
	}
	return "devel"
}
