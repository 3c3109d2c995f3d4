//go:build !linux

package main

import (
	"os"
	"os/exec"
)

func own(*exec.Cmd) {}

func interrupt(process *exec.Cmd) { _ = process.Process.Signal(os.Interrupt) }
func kill(process *exec.Cmd)      { _ = process.Process.Kill() }
