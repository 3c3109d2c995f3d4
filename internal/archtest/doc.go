// Package archtest checks who imports whom. Its test holds the code to the table
// of arrows; a new arrow, or a new library, is a decision, and changes the table.
package archtest
