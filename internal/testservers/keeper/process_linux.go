package main

import (
	"os/exec"
	"syscall"
)

// own gives a process a group, and has it killed when this one is.
func own(process *exec.Cmd) {
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

func interrupt(process *exec.Cmd) { _ = syscall.Kill(-process.Process.Pid, syscall.SIGTERM) }
func kill(process *exec.Cmd)      { _ = syscall.Kill(-process.Process.Pid, syscall.SIGKILL) }
