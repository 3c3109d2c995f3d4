package main

import "errors"

type seedCommand struct{}
type verifyCommand struct{}
type keyCommand struct {
	X seedCommand `cmd:""`
}

func (seedCommand) Run() error   { return errors.New("x") }
func (verifyCommand) Run() error { return errors.New("x") }

func (b *backends) snapshot() error { return nil }
