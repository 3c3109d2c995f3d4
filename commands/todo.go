package commands

import (
	"context"
	"errors"
)

var errNotYet = errors.New("command not there yet")

func (UpdateUser) attempt(context.Context, *Handler, *circumstances) (decision, error) {
	return decision{}, errNotYet
}
func (DeleteUser) attempt(context.Context, *Handler, *circumstances) (decision, error) {
	return decision{}, errNotYet
}
func (CreateGroup) attempt(context.Context, *Handler, *circumstances) (decision, error) {
	return decision{}, errNotYet
}
func (UpdateGroup) attempt(context.Context, *Handler, *circumstances) (decision, error) {
	return decision{}, errNotYet
}
func (DeleteGroup) attempt(context.Context, *Handler, *circumstances) (decision, error) {
	return decision{}, errNotYet
}
func (AddMember) attempt(context.Context, *Handler, *circumstances) (decision, error) {
	return decision{}, errNotYet
}
func (AddMembers) attempt(context.Context, *Handler, *circumstances) (decision, error) {
	return decision{}, errNotYet
}
func (RemoveMember) attempt(context.Context, *Handler, *circumstances) (decision, error) {
	return decision{}, errNotYet
}
func (CreateKey) attempt(context.Context, *Handler, *circumstances) (decision, error) {
	return decision{}, errNotYet
}
func (RevokeKey) attempt(context.Context, *Handler, *circumstances) (decision, error) {
	return decision{}, errNotYet
}
