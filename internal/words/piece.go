package words

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// inside is how many characters of an unspaced run make a word.
const inside = 8

// piece is a run of word characters of a chunk: either of scripts that put spaces
// between words, or of those that do not.
type piece struct {
	text     string   // without apostrophes
	parts    []string // between the apostrophes, where there are any
	unspaced bool
}

// appendWords appends those that the piece is found by.
func (p piece) appendWords(words []string) []string {
	if !p.unspaced {
		return append(append(words, p.parts...), shortened(p.text))
	}
	starts := characters(p.text)
	for i := range starts {
		words = append(words, p.from(starts, i))
	}
	return words
}

// appendTyped appends those that the piece is looked for by.
func (p piece) appendTyped(words []string) []string {
	if !p.unspaced {
		return append(words, shortened(p.text))
	}
	starts := characters(p.text)
	for i := 0; i < len(starts); i += inside {
		words = append(words, p.from(starts, i))
	}
	return words
}

// joined is pieces as one word.
func joined(all []piece) string {
	if len(all) == 1 {
		return shortened(all[0].text)
	}
	text := ""
	for _, p := range all {
		text += p.text
	}
	return shortened(text)
}

func (p piece) from(starts []int, i int) string {
	end := len(p.text)
	if i+inside < len(starts) {
		end = starts[i+inside]
	}
	return shortened(p.text[starts[i]:end])
}

// characters gives where each character begins: a mark belongs to the letter
// before it, and the medial and final jamo of Hangul to the leading one.
func characters(text string) []int {
	starts := make([]int, 0, len(text)/3+1)
	for i, r := range text {
		trailing := unicode.Is(unicode.M, r) || '\u1160' <= r && r <= '\u11ff' || '\ud7b0' <= r && r <= '\ud7ff'
		if i == 0 || !trailing {
			starts = append(starts, i)
		}
	}
	return starts
}

// fewPieces is how many a chunk rarely has more of.
const fewPieces = 4

// appendPieces cuts a folded chunk.
func appendPieces(all []piece, chunk string) []piece {
	begin, unspaced, plain := -1, false, true
	for i, r := range chunk {
		cut, inside := false, true
		switch {
		case r < utf8.RuneSelf && (r >= 'a' && r <= 'z' || r >= '0' && r <= '9'):
			cut = unspaced
		case isApostrophe(r):
			plain = false
			continue
		case !isWord(r):
			cut, inside = true, false
		case begin >= 0 && follows(r):
			continue
		default:
			cut = unspaced != isUnspaced(r)
		}
		if cut && begin >= 0 {
			all = append(all, newPiece(chunk[begin:i], unspaced, plain))
			begin = -1
		}
		if inside && begin < 0 {
			begin, unspaced, plain = i, isUnspaced(r), true
		}
	}
	if begin >= 0 {
		all = append(all, newPiece(chunk[begin:], unspaced, plain))
	}
	return all
}

// newPiece makes a piece of a run, which is plain if it has no apostrophes.
func newPiece(run string, unspaced, plain bool) piece {
	if plain {
		return piece{text: run, unspaced: unspaced}
	}
	p := piece{text: withoutApostrophes(run), unspaced: unspaced}
	for part := range strings.FieldsFuncSeq(run, isApostrophe) {
		p.parts = append(p.parts, shortened(part))
	}
	return p
}

func withoutApostrophes(text string) string {
	return strings.Map(func(r rune) rune {
		if isApostrophe(r) {
			return -1
		}
		return r
	}, text)
}

// isApostrophe holds for what stands inside a word without cutting it: the
// apostrophes and what is typed for them, the modifier letters of
// transliteration, the Hebrew geresh and gershayim, the Catalan middle dot.
func isApostrophe(r rune) bool {
	return r == '\'' || r >= utf8.RuneSelf && slices.Contains([]rune("’‘‛′׳״·ʹʺʻʼʽʾʿˀˁ"), r)
}

// follows holds for characters that continue whatever run they are in.
func follows(r rune) bool { return r == 'ー' || unicode.Is(unicode.M, r) }

func isUnspaced(r rune) bool {
	return r == 'ー' || r >= '\u1100' && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
}
