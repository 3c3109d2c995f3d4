package words

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Limits of words.
const (
	// MaxTyped is how many different words a search may be asked for.
	MaxTyped = 32
	// MaxBytes is where words and keys are cut, at a whole character or word.
	MaxBytes = 255
	// typoLetters is how long a word must be for a typo to be forgiven.
	typoLetters = 4
)

// Terms are the words of one entity, folded.
type Terms struct {
	// Name is the name's words in order, which is what entities are sorted by;
	// as many as fit into MaxBytes with a space between them. All are in Words.
	Name []string
	// Username is the username as one word, which is what entities are sorted by:
	// without its punctuation unless it is an address. It is in Words, or empty.
	Username string
	// Words are those of names, username and e-mail, sorted, none twice.
	Words []string
	// Hosts are the words of what stands behind the @ of addresses, sorted, none
	// twice. Almost everybody may share them, so they are a list of their own.
	Hosts []string
}

// Of lists the words of an entity. A text is cut at spaces into chunks; then
//
//   - a chunk is cut where a character is no letter, mark, digit or symbol, and
//     where a script that is written without spaces begins or ends: jean-pierre
//     gives jean and pierre, and the two joined, jeanpierre;
//   - apostrophes are left out, and cut too: o'neill gives oneill, o and neill;
//   - a run of Han, Kana or Hangul gives a word for each of its characters, the up
//     to eight from there on, so that it can be found from any of them;
//   - a chunk with an @ inside gives itself, whole; the words before the @; and
//     those behind it, which are Hosts.
func Of(name, username, email string, more ...string) Terms {
	var t Terms
	for chunk := range chunks(name) {
		t.Name = append(t.Name, t.add(chunk)...)
	}
	t.Name = t.Name[:fitting(t.Name)]
	for _, text := range more {
		for chunk := range chunks(text) {
			t.add(chunk)
		}
	}
	for chunk := range chunks(username) {
		t.add(chunk)
		t.Username = usernameKey(chunk)
		t.addWord(t.Username)
	}
	for chunk := range chunks(email) {
		t.add(chunk)
	}
	slices.Sort(t.Words)
	slices.Sort(t.Hosts)
	t.Words, t.Hosts = slices.Compact(t.Words), slices.Compact(t.Hosts)
	return t
}

// NameKey is what entities are sorted by when they are sorted by name.
func (t Terms) NameKey() string { return strings.Join(t.Name, " ") }

// add takes the words of a chunk in, and gives those that stand for it in order.
func (t *Terms) add(chunk string) (inOrder []string) {
	at := strings.IndexByte(chunk, '@')
	if at < 0 {
		return t.addPieces(chunk)
	}
	for _, p := range pieces(chunk[at+1:]) {
		t.Hosts = append(t.Hosts, p.words()...)
	}
	if at == 0 {
		return t.addPieces(chunk[1:])
	}
	for _, p := range pieces(chunk[:at]) {
		t.Words = append(t.Words, p.words()...)
	}
	whole := address(chunk)
	t.addWord(whole)
	return []string{whole}
}

func (t *Terms) addPieces(chunk string) (inOrder []string) {
	spaced, joined := 0, ""
	for _, p := range pieces(chunk) {
		t.Words = append(t.Words, p.words()...)
		inOrder = append(inOrder, p.typed()...)
		if !p.unspaced {
			spaced, joined = spaced+1, joined+p.text
		}
	}
	if spaced > 1 {
		t.addWord(shortened(joined))
	}
	return inOrder
}

func (t *Terms) addWord(word string) {
	if word != "" {
		t.Words = append(t.Words, word)
	}
}

func usernameKey(chunk string) string {
	if strings.IndexByte(chunk, '@') > 0 {
		return address(chunk)
	}
	var joined strings.Builder
	for _, p := range pieces(chunk) {
		joined.WriteString(p.text)
	}
	return shortened(joined.String())
}

// fitting is how many words stay within MaxBytes together.
func fitting(words []string) int {
	size := 0
	for i, word := range words {
		if size += len(word) + 1; size > MaxBytes+1 {
			return i
		}
	}
	return len(words)
}

// Typed is one word that somebody typed, folded.
type Typed struct {
	Text string
	// Host tells that it was typed behind a leading @: it is only meant for Hosts.
	Host bool
	// Typo tells that it is long enough for a typo to be forgiven. Letters are
	// counted as people count them: a Hangul syllable is one.
	Typo bool
}

// InText lists the different words of what somebody typed, cut as Of cuts, but
// each chunk in one way only: apostrophes left out, hyphens cut, long unspaced
// runs in pieces of eight, a chunk with an @ inside whole.
func InText(text string) []Typed {
	var all []Typed
	add := func(word string, host bool) {
		typed := Typed{Text: word, Host: host, Typo: letters(word) >= typoLetters}
		if word != "" && !slices.Contains(all, typed) {
			all = append(all, typed)
		}
	}
	for chunk := range chunks(text) {
		at := strings.IndexByte(chunk, '@')
		if at > 0 {
			add(address(chunk), false)
			continue
		}
		for _, p := range pieces(chunk) {
			for _, word := range p.typed() {
				add(word, at == 0)
			}
		}
	}
	return all
}

// letters counts the letters, digits and symbols of a word, composed.
func letters(word string) (count int) {
	for _, r := range norm.NFC.String(word) {
		if isWord(r) && !unicode.Is(unicode.M, r) {
			count++
		}
	}
	return count
}

// chunks gives the folded text cut at spaces, without the punctuation around.
func chunks(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for chunk := range strings.FieldsFuncSeq(Fold(text), isSpace) {
			chunk = strings.TrimRightFunc(chunk, isPunctuation)
			chunk = strings.TrimLeftFunc(chunk, func(r rune) bool { return r != '@' && isPunctuation(r) })
			if chunk != "" && !yield(chunk) {
				return
			}
		}
	}
}

// address is a chunk with an @ as one word.
func address(chunk string) string {
	if strings.ContainsFunc(chunk, isApostrophe) {
		chunk = withoutApostrophes(chunk)
	}
	return shortened(chunk)
}

// shortened cuts a word at MaxBytes.
func shortened(word string) string {
	if len(word) <= MaxBytes {
		return word
	}
	end := MaxBytes
	for !utf8.RuneStart(word[end]) {
		end--
	}
	return word[:end]
}

func isSpace(r rune) bool       { return unicode.IsSpace(r) || unicode.IsControl(r) }
func isPunctuation(r rune) bool { return !isWord(r) }
func isWord(r rune) bool {
	return !isApostrophe(r) && unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.So)
}
