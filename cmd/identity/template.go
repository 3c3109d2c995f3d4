package main

import (
	"encoding/json"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/seed5b6a70b4/identity/eventstream/dynamostore"
	"github.com/seed5b6a70b4/identity/queries/dynamoview"
	"github.com/seed5b6a70b4/identity/sync/dynamolease"
)

type object = map[string]any

// printTemplate writes a CloudFormation template of what init makes, but for the
// index. The tables are kept when the stack is deleted.
func printTemplate(to io.Writer, n names, stream bool) error {
	events := tableResource(dynamostore.Table(n.Events))
	resources := object{"Events": events, "Views": tableResource(dynamoview.Table(n.Views)), "State": tableResource(dynamolease.Table(n.State))}
	outputs := object{"EventsStream": object{"Value": object{"Fn::GetAtt": []string{"Events", "StreamArn"}}}}
	if stream {
		resources["Stream"] = object{
			"Type": "AWS::Kinesis::Stream",
			"Properties": object{
				"Name": n.Stream, "StreamModeDetails": object{"StreamMode": "ON_DEMAND"}, "RetentionPeriodHours": 48,
				"StreamEncryption": object{"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"},
			},
		}
		arn := object{"Fn::GetAtt": []string{"Stream", "Arn"}}
		events["Properties"].(object)["KinesisStreamSpecification"] = object{"StreamArn": arn}
		outputs["Stream"] = object{"Value": arn}
	}
	out := json.NewEncoder(to)
	out.SetIndent("", "  ")
	return out.Encode(object{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Description":              "Tables and stream of identity. Run `identity init` once they are there: it writes what the directory begins with.",
		"Resources":                resources,
		"Outputs":                  outputs,
	})
}

func tableResource(table *dynamodb.CreateTableInput) object {
	var attributes []object
	for _, a := range table.AttributeDefinitions {
		attributes = append(attributes, object{"AttributeName": aws.ToString(a.AttributeName), "AttributeType": string(a.AttributeType)})
	}
	properties := object{
		"TableName": aws.ToString(table.TableName), "BillingMode": string(table.BillingMode),
		"AttributeDefinitions": attributes, "KeySchema": keySchema(table.KeySchema),
		"PointInTimeRecoverySpecification": object{"PointInTimeRecoveryEnabled": true}, "DeletionProtectionEnabled": true,
	}
	var indexes []object
	for _, index := range table.GlobalSecondaryIndexes {
		indexes = append(indexes, object{
			"IndexName": aws.ToString(index.IndexName), "KeySchema": keySchema(index.KeySchema),
			"Projection": object{"ProjectionType": string(index.Projection.ProjectionType)},
		})
	}
	if len(indexes) > 0 {
		properties["GlobalSecondaryIndexes"] = indexes
	}
	if table.StreamSpecification != nil {
		properties["StreamSpecification"] = object{"StreamViewType": string(table.StreamSpecification.StreamViewType)}
	}
	return object{"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain", "Properties": properties}
}

func keySchema(schema []types.KeySchemaElement) []object {
	var keys []object
	for _, key := range schema {
		keys = append(keys, object{"AttributeName": aws.ToString(key.AttributeName), "KeyType": string(key.KeyType)})
	}
	return keys
}
