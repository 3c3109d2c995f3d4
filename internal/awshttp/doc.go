// Package awshttp is between clients of the AWS SDK and their HTTP client.
package awshttp
