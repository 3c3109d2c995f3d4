package elasticview

import (
	"slices"
	"strings"

	"github.com/seed5b6a70b4/identity/internal/words"
)

// tier is how well a word is matched, and a document by its worst word.
type tier uint8

const (
	whole  tier = iota // it is one of the document's
	prefix             // it begins one
	host               // it begins one of a host
	typo               // as the others, but for one typo
	none
)

// longestWithTypo is how many letters a word may have for a typo to be forgiven.
// The work of Elasticsearch grows with the square of it: 20 ms for 20 letters, ten
// seconds for the longest words.
const longestWithTypo = 32

// mostStates is more than what looks for a typo in such a word needs.
const mostStates = 1 << 17

// score is what Elasticsearch gives for a tier.
func (t tier) score() int { return int(none - t) }

// matching is the query for the documents that match every word, and whose score
// is that of their tier.
func matching(typed []words.Typed) object {
	var tiers []object
	for t := whole; t < none; t++ {
		if all := allUpTo(typed, t); all != nil {
			tiers = append(tiers, object{"constant_score": object{"filter": object{"bool": object{"filter": all}}, "boost": t.score()}})
		}
	}
	if len(tiers) == 0 {
		return object{"match_none": object{}}
	}
	return object{"dis_max": object{"queries": tiers}}
}

// filtering is the query for the documents that match every word, in any tier.
func filtering(typed []words.Typed) object {
	if all := allUpTo(typed, typo); all != nil {
		return object{"bool": object{"filter": all}}
	}
	return object{"match_none": object{}}
}

// allUpTo are the queries for each word, or nil if one has none, and in a tier
// that no word has anything of its own in.
func allUpTo(typed []words.Typed, limit tier) []object {
	all := make([]object, 0, len(typed))
	for _, word := range typed {
		alternatives := upTo(word, limit)
		if len(alternatives) == 0 {
			return nil
		}
		all = append(all, object{"bool": object{"should": alternatives}})
	}
	return all
}

// upTo are the ways in which a word is matched in a tier or a better one.
func upTo(typed words.Typed, limit tier) []object {
	var ways []object
	text := typed.Text
	add := func(t tier, query, field, value string) {
		if t <= limit {
			ways = append(ways, object{query: object{field: object{"value": value}}})
		}
	}
	fields := []string{"words", "hosts"}
	switch typed.Where {
	case words.InLogins:
		text += loginEnd
		fields = []string{"logins"}
		add(whole, "term", "logins", text)
	case words.InHosts:
		fields = []string{"hosts"}
		add(host, "prefix", "hosts", text)
	default:
		if limit == whole {
			add(whole, "term", "words", text)
		}
		add(prefix, "prefix", "words", text)
		add(host, "prefix", "hosts", text)
	}
	if letters := []rune(typed.Text); typed.Typo && limit == typo && len(letters) <= longestWithTypo {
		pattern := oneTypo([]rune(text))
		for _, field := range fields {
			ways = append(ways, object{"regexp": object{field: object{
				"value": pattern, "flags": "NONE", "max_determinized_states": mostStates,
			}}})
		}
	}
	return ways
}

// oneTypo is a regular expression for the terms that a word matches with one typo:
// the first letter in which they differ is wrong, superfluous, preceded by a
// missing one or swapped with the next, and then the term begins as the word ends.
// Where that is the word's last letter and it is wrong or superfluous, the term
// ends there too. It may hold terms as well that the word begins.
func oneTypo(word []rune) string {
	last := len(word) - 1
	pattern := "(.?|." + quoted(word[last:]...) + ".*)"
	for at := last - 1; at >= 0; at-- {
		letter, next, rest := quoted(word[at]), quoted(word[at+1]), quoted(word[at+1:]...)
		alternatives := []string{"(." + letter + "?)?" + rest + ".*", next + letter + quoted(word[at+2:]...) + ".*", letter + pattern}
		if letter == next { // superfluous or swapped is not this one, but a later one
			alternatives = []string{"." + letter + "?" + rest + ".*", letter + pattern}
		}
		pattern = "(" + strings.Join(alternatives, "|") + ")"
	}
	return pattern
}

// quoted are letters within a regular expression.
func quoted(letters ...rune) string {
	if !slices.ContainsFunc(letters, isASCIISymbol) {
		return string(letters)
	}
	var text strings.Builder
	for _, letter := range letters {
		if isASCIISymbol(letter) {
			text.WriteByte('\\')
		}
		text.WriteRune(letter)
	}
	return text.String()
}

func isASCIISymbol(r rune) bool {
	return r < 0x80 && !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9')
}
