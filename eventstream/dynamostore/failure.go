package dynamostore

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// failure is what an error of the storage says of a write.
type failure int

const (
	// unknown: it may have been written, and may still be.
	unknown failure = iota
	// passing: it was not written, and may be if it is sent again.
	passing
	// refused: it was not written, and will not be.
	refused
)

var passingCodes = []string{
	"ProvisionedThroughputExceededException", "ThrottlingException", "Throttling", "RequestLimitExceeded",
	"TransactionConflictException", "TransactionInProgressException",
	// The reasons for which a transaction was cancelled.
	"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded",
}

// classify tells what an error says, and gives it as callers should see it: the
// storage's own texts may quote what was sent, so that only its codes are kept.
func classify(err error) (failure, error) {
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		return classifyCancelled(cancelled)
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		code := fmt.Errorf("%w: %s", eventstream.ErrUnavailable, api.ErrorCode())
		switch {
		case slices.Contains(passingCodes, api.ErrorCode()):
			return passing, errors.New(api.ErrorCode())
		case api.ErrorCode() == "ValidationException":
			return refused, errors.New(api.ErrorCode())
		case isClientFault(err, api):
			return refused, code
		}
		return unknown, code
	}
	if isDial(err) {
		return refused, fmt.Errorf("%w: %w", eventstream.ErrUnavailable, err)
	}
	return unknown, fmt.Errorf("%w: %w", eventstream.ErrUnavailable, err)
}

// isDial tells whether there was no connection over which to send.
func isDial(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) && network.Op == "dial"
}

// isClientFault tells whether the storage says that the request was at fault. It
// answers 4xx to those, also where it names no fault.
func isClientFault(err error, api smithy.APIError) bool {
	var status interface{ HTTPStatusCode() int }
	if errors.As(err, &status) {
		return status.HTTPStatusCode() >= 400 && status.HTTPStatusCode() < 500
	}
	return api.ErrorFault() == smithy.FaultClient
}

// classifyCancelled: a cancelled transaction was not written. It may pass if no
// reason but passing ones is given.
func classifyCancelled(cancelled *types.TransactionCanceledException) (failure, error) {
	kind, code := refused, ""
	for _, reason := range cancelled.CancellationReasons {
		switch name := value(reason.Code); {
		case name == "" || name == "None":
		case slices.Contains(passingCodes, name):
			if code == "" {
				kind, code = passing, name
			}
		default:
			return refused, fmt.Errorf("transaction cancelled: %s", name)
		}
	}
	return kind, fmt.Errorf("transaction cancelled: %s", code)
}

func value(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
