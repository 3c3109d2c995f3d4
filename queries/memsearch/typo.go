package memsearch

import (
	"cmp"
	"iter"
	"slices"
	"unicode/utf8"
)

// A word matches a term with one typo if this holds of the first letter in which
// they differ: taken as wrong, as superfluous, as preceded by a missing one, or
// as swapped with the next, the rest of the word begins the rest of the term. A
// last letter that is wrong or superfluous is forgiven only where the term ends,
// or every word would find whatever its beginning does.

// oneTypo tells whether a word matches a term with one typo.
func oneTypo(word, term string) bool {
	var letter, other rune
	for {
		var n, m int
		letter, n = utf8.DecodeRuneInString(word)
		other, m = utf8.DecodeRuneInString(term)
		if n == 0 {
			return false
		}
		if m == 0 || letter != other {
			break
		}
		word, term = word[n:], term[m:]
	}
	rest := word[utf8.RuneLen(letter):]
	if rest == "" && (term == "" || term[utf8.RuneLen(other):] == "") {
		return true // superfluous or wrong, at the end
	}
	if term == "" {
		return false
	}
	after := term[utf8.RuneLen(other):]
	if begins(after, word) { // missing
		return true
	}
	if rest == "" {
		return false
	}
	next, n := utf8.DecodeRuneInString(rest)
	return begins(after, rest) || // wrong
		begins(term, rest) || // superfluous
		next == other && begins(after, string(letter)+rest[n:]) // swapped
}

func begins(term, word string) bool { return len(term) >= len(word) && term[:len(word)] == word }

// typos gives the terms that match a word with one typo, among those that begin
// with a marker: sorted, without overlaps. A word that ends in the mark matches
// logins only, and whole. It walks the word's letters, and at
// each of them those that terms have in its place.
func (d *dictionary) typos(marker, word string) []span {
	var found []span
	var text []byte
	beginning := func(within span, head []byte, rest ...rune) {
		text = append(text[:0], head...)
		for _, letter := range rest {
			text = utf8.AppendRune(text, letter)
		}
		found = append(found, d.run(within, text))
	}
	letters, head := []rune(word), []byte(marker)
	node := d.run(d.all(), head)
	for at, letter := range letters {
		rest := letters[at+1:]
		if len(rest) == 0 {
			if letter != mark {
				found = append(found, d.whole(node, head)) // superfluous
			}
		} else if rest[0] != letter {
			beginning(node, head, rest...)                                         // superfluous
			beginning(node, head, append([]rune{rest[0], letter}, rest[1:]...)...) // swapped
		}
		for text, below := range d.below(node, len(head)) {
			other, _ := utf8.DecodeRune(text[len(head):])
			if other == letter || other == mark {
				continue
			}
			beginning(below, text, letters[at:]...) // missing
			if len(rest) > 0 {
				beginning(below, text, rest...) // wrong
			} else if letter != mark {
				found = append(found, d.whole(below, text)) // wrong
			}
		}
		head = utf8.AppendRune(head, letter)
		if node = d.run(node, head); node.empty() {
			break
		}
	}
	return disjoint(found)
}

// below gives the beginnings of terms that are one letter longer than the
// depth, within a span of terms that have their first bytes in common, and the
// terms that begin so.
func (d *dictionary) below(node span, depth int) iter.Seq2[[]byte, span] {
	return func(yield func([]byte, span) bool) {
		for at := node.from; at < node.to; {
			term := d.term(at)
			if len(term) == depth {
				at++
				continue
			}
			_, size := utf8.DecodeRune(term[depth:])
			text := term[:depth+size]
			end := d.past(span{at, node.to}, text)
			if !yield(text, span{at, end}) {
				return
			}
			at = end
		}
	}
}

// disjoint sorts spans and joins those that overlap.
func disjoint(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	joined := spans[:0]
	for _, s := range spans {
		switch last := len(joined) - 1; {
		case s.empty():
		case last >= 0 && s.from <= joined[last].to:
			joined[last].to = max(joined[last].to, s.to)
		default:
			joined = append(joined, s)
		}
	}
	return joined
}
