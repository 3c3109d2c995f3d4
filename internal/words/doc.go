// Package words turns what people and groups are called, and what somebody
// types to find them, into the words that a search index compares. Both sides go
// through the same rules, so that an index need only compare bytes:
//
//   - Fold (fold.go) takes away what does not tell words apart: case, accents,
//     width, vowel points.
//   - Of and Typed (words.go) cut folded text into words.
//
// Indexes of different kinds use this package, so that they agree on what is
// found. What they have stored is of no use once the rules change: Fingerprint
// names the rules.
package words
