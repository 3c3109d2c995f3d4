package lambdafeed

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
)

// Invoke implements the Handler of the Lambda runtime: an event of Kinesis or of a
// table's stream is answered as Kinesis and DynamoDB say, one without records is
// Options.Scheduled. Anything else is an error.
func (f *Feed) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var head struct {
		Records []struct {
			Source string `json:"eventSource"`
		} `json:"Records"`
	}
	if err := json.Unmarshal(payload, &head); err != nil {
		return nil, fmt.Errorf("read what the event is: %w", err)
	}
	if len(head.Records) == 0 {
		if err := f.options.Scheduled(ctx); err != nil {
			return nil, err
		}
		return []byte("{}"), nil
	}
	switch source := head.Records[0].Source; source {
	case "aws:kinesis":
		var event events.KinesisEvent
		if err := json.Unmarshal(payload, &event); err != nil {
			return nil, fmt.Errorf("read an event of Kinesis: %w", err)
		}
		return json.Marshal(f.Kinesis(ctx, event))
	case "aws:dynamodb":
		var event events.DynamoDBEvent
		if err := json.Unmarshal(payload, &event); err != nil {
			return nil, fmt.Errorf("read an event of a table's stream: %w", err)
		}
		return json.Marshal(f.DynamoDB(ctx, event))
	default:
		return nil, fmt.Errorf("events of %q are not known: a mapping of Kinesis, of a table's stream, or a schedule is", source)
	}
}
