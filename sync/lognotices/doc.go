// Package lognotices tells in order what has changed in a view that follows a
// numbered log, for those who follow the directory: nothing is written for that,
// it is derived from the log. It is a queries.Notices.
package lognotices
