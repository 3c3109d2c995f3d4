// Package readme holds no code: its test runs what the README tells a reader to
// type, word for word.
package readme
