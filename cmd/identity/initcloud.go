package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/seed5b6a70b4/identity/commands"
)

// makingTime bounds how long a table or a stream is waited for.
const makingTime = 5 * time.Minute

// makeStream makes a Kinesis stream unless there is one of that name, and waits
// until it can be used.
func makeStream(ctx context.Context, client *kinesis.Client, name string) (made bool, err error) {
	_, err = client.CreateStream(ctx, &kinesis.CreateStreamInput{
		StreamName: &name, StreamModeDetails: &kinesistypes.StreamModeDetails{StreamMode: kinesistypes.StreamModeOnDemand},
	})
	var exists *kinesistypes.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return false, fmt.Errorf("make the stream %s: %w", name, err)
	}
	waiter := kinesis.NewStreamExistsWaiter(client)
	if waited := waiter.Wait(ctx, &kinesis.DescribeStreamInput{StreamName: aws.String(name)}, makingTime); waited != nil {
		return false, fmt.Errorf("wait for the stream %s: %w", name, waited)
	}
	return err == nil, nil
}

// beginDirectory writes what holds for all of a store, unless it was written: its
// epoch, its shards and the secret of its claims.
func beginDirectory(ctx context.Context, prefix string, shards int) (commands.Directory, error) {
	c := &cloud{core: core{settings: settings{log: slog.New(slog.DiscardHandler)}}, names: namesOf(prefix)}
	var err error
	if c.aws, err = awsConfig(ctx); err != nil {
		return commands.Directory{}, err
	}
	c.dynamodb = dynamodb.NewFromConfig(c.aws)
	c.openStore()
	if os.Getenv(claimVar) == "" {
		if _, err := c.state.KeepSecret(ctx, newSecret()); err != nil {
			return commands.Directory{}, errors.Join(err, c.close())
		}
	}
	err = c.openDirectory(ctx, shards)
	return c.directory, errors.Join(err, c.close())
}
