package dynamostore

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/seed5b6a70b4/identity/eventstream"
)

// failedCondition is an action of a request whose item there was already.
type failedCondition struct {
	action int
	there  *eventstream.Commit // nil if the storage did not show it
}

// resends is how often a request whose outcome is unknown is sent again.
const resends = 2

// send sends a request until it is known what came of it: all of it was written,
// or nothing because of the conditions that are returned. It is the same request
// each time, so that one which is still on its way does no harm: items are never
// removed, and a condition that fails once will fail then too.
func (s *Store) send(ctx context.Context, r *request) ([]failedCondition, error) {
	var lost error // the first error that left the outcome unknown
	for attempt, again := 1, 0; ; attempt++ {
		err := s.put(ctx, r)
		if err == nil {
			return nil, nil
		}
		failed, err := r.conditions(err)
		if err == nil {
			return r.own(failed, lost)
		}
		kind, cause := classify(err)
		if ctx.Err() != nil {
			cause = fmt.Errorf("%w: %w", why(ctx), cause)
		}
		if kind == unknown {
			again++
			lost = cause
		}
		if kind == refused || ctx.Err() != nil || again > resends || attempt >= s.options.Attempts {
			return nil, outcome(kind, lost, cause)
		}
		if kind == passing {
			cause = fmt.Errorf("%w: %w", eventstream.ErrThrottled, cause)
		}
		if err := s.pause(ctx, attempt, cause); err != nil {
			return nil, outcome(refused, lost, err)
		}
	}
}

// outcome is the error of a request that was given up.
func outcome(kind failure, lost, cause error) error {
	switch {
	case lost != nil:
		return fmt.Errorf("%w: write commits: %w", eventstream.ErrUnknownOutcome, errors.Join(lost, cause))
	case kind == passing:
		return fmt.Errorf("%w: write commits: %w", eventstream.ErrThrottled, cause)
	default:
		return &refusal{cause}
	}
}

// refusal is an error that says that nothing was or will be written.
type refusal struct{ cause error }

func (r *refusal) Error() string { return "write commits: " + r.cause.Error() }
func (r *refusal) Unwrap() error { return r.cause }

func isRefusal(err error) bool {
	var r *refusal
	return errors.As(err, &r)
}

// own tells whether the conditions failed because of what the request itself had
// written when its reply was lost.
func (r *request) own(failed []failedCondition, lost error) ([]failedCondition, error) {
	if lost == nil || len(r.members) == 0 { // who imports compares all that is there
		return failed, nil
	}
	for _, f := range failed {
		commit := r.actions[f.action].commit
		switch {
		case commit == nil:
		case f.there == nil:
			return nil, outcome(unknown, lost, errors.New("what was there was not shown"))
		case f.there.Hash == commit.Hash:
			return nil, nil
		}
	}
	return failed, nil
}

// put sends the request once.
func (s *Store) put(ctx context.Context, r *request) error {
	if len(r.actions) == 1 {
		_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: &s.table, Item: encode(r.actions[0].commit, int(s.slices.Load())),
			ConditionExpression:                 aws.String(absent),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		return err
	}
	input := &dynamodb.TransactWriteItemsInput{ClientRequestToken: aws.String(r.token())}
	for i := range r.actions {
		input.TransactItems = append(input.TransactItems, s.transactItem(&r.actions[i]))
	}
	_, err := s.client.TransactWriteItems(ctx, input)
	return err
}

// absent is the condition of every action.
const absent = "attribute_not_exists(" + attrStream + ")"

func (s *Store) transactItem(a *action) types.TransactWriteItem {
	if a.commit == nil {
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &s.table, Key: keyOf(a.stream, a.seq), ConditionExpression: aws.String(absent),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}}
	}
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &s.table, Item: encode(a.commit, int(s.slices.Load())), ConditionExpression: aws.String(absent),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// token is the same for the same request and for no other.
func (r *request) token() string {
	hash := sha256.New()
	for i := range r.actions {
		a := &r.actions[i]
		if a.commit != nil {
			hash.Write(a.commit.Hash[:])
			continue
		}
		hash.Write(binary.AppendUvarint(nil, uint64(len(a.stream))))
		hash.Write([]byte(a.stream))
		hash.Write(binary.AppendUvarint(nil, uint64(a.seq)))
	}
	return base64.RawURLEncoding.EncodeToString(hash.Sum(nil))[:36]
}

// conditions gives the actions whose conditions an error says did not hold, each
// with its reason, or the error.
func (r *request) conditions(err error) ([]failedCondition, error) {
	var single *types.ConditionalCheckFailedException
	if errors.As(err, &single) {
		there, err := shown(single.Item)
		return []failedCondition{{0, there}}, err
	}
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return nil, err
	}
	var failed []failedCondition
	for i := range min(len(cancelled.CancellationReasons), len(r.actions)) {
		reason := &cancelled.CancellationReasons[i]
		if value(reason.Code) != "ConditionalCheckFailed" {
			continue
		}
		there, err := shown(reason.Item)
		if err != nil {
			return nil, err
		}
		failed = append(failed, failedCondition{i, there})
	}
	if failed == nil {
		return nil, err
	}
	return failed, nil
}

// shown is the commit that a failed condition met.
func shown(i item) (*eventstream.Commit, error) {
	if len(i) == 0 {
		return nil, nil
	}
	commit, err := decode(i)
	return &commit, err
}
