package testservers

import (
	"os/exec"
	"syscall"
)

// detach lets a process live on when this one and its terminal are gone.
func detach(process *exec.Cmd) { process.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
