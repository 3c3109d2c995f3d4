// Package tailfeed follows a store in the same process: it is told of every
// transaction once it is durable and before it is acknowledged.
package tailfeed
