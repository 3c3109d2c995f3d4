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

// Terms are the words of one entity, folded. Each list is sorted and holds no
// word twice, except Name.
type Terms struct {
	// Words are those of names, usernames and what stands before the @ of addresses.
	Words []string
	// Logins are usernames, and what stands before the @ of addresses, each as one
	// word, without its punctuation.
	Logins []string
	// Hosts are the words of what stands behind the @ of addresses. Almost
	// everybody may share them, so they are a list of their own.
	Hosts []string

	// Name is the name's words in order, all of which are in Words: what entities
	// are sorted by. It has as many as fit into MaxBytes with a space between them.
	Name []string
	// Username is what entities are sorted by too: the whole username as one word,
	// without its punctuation. It is in Logins, or empty.
	Username string
}

// Of lists the words of an entity. A text is cut at spaces into chunks; then
//
//   - a chunk is cut where a character is no letter, mark, digit or symbol, and
//     where a script that is written without spaces begins or ends; what a name
//     had there is also left out: jean-pierre gives jean, pierre and jeanpierre;
//   - apostrophes are left out, and cut too: o'neill gives oneill, o and neill;
//   - a run of Han, Kana or Hangul gives a word for each of its characters, the up
//     to eight from there on, so that it can be found from any of them;
//   - in a chunk with an @, what stands before it is a login too, and what stands
//     behind it is a host.
func Of(name, username, email string, more ...string) Terms {
	t := Terms{Words: make([]string, 0, 12), Logins: make([]string, 0, 2), Hosts: make([]string, 0, 3)}
	for chunk := range chunks(name) {
		t.Name = t.addName(t.Name, chunk)
	}
	t.Name = t.Name[:fitting(t.Name)]
	for _, text := range more {
		if text == name || strings.HasPrefix(name, text+" ") || strings.HasSuffix(name, " "+text) {
			continue
		}
		for chunk := range chunks(text) {
			t.addName(nil, chunk)
		}
	}
	for chunk := range chunks(username) {
		t.addUsername(chunk)
	}
	for chunk := range chunks(email) {
		t.addAddress(chunk)
	}
	t.Words, t.Logins, t.Hosts = sorted(t.Words), sorted(t.Logins), sorted(t.Hosts)
	return t
}

// NameKey is what entities are sorted by when they are sorted by name.
func (t Terms) NameKey() string { return strings.Join(t.Name, " ") }

// addName takes the words of a name's chunk in, and appends those that stand for it
// in order.
func (t *Terms) addName(inOrder []string, chunk string) []string {
	var room [fewPieces]piece
	all := appendPieces(room[:0], chunk)
	for _, p := range all {
		t.Words = p.appendWords(t.Words)
		inOrder = p.appendTyped(inOrder)
	}
	if len(all) > 1 && !slices.ContainsFunc(all, func(p piece) bool { return p.unspaced }) {
		t.Words = append(t.Words, joined(all))
	}
	if strings.IndexByte(chunk, '@') >= 0 {
		t.addAddress(chunk)
	}
	return inOrder
}

func (t *Terms) addUsername(chunk string) {
	var room [fewPieces]piece
	all := appendPieces(room[:0], chunk)
	if t.Username = joined(all); t.Username != "" {
		t.Logins = append(t.Logins, t.Username)
	}
	if strings.IndexByte(chunk, '@') >= 0 {
		t.addAddress(chunk)
		return
	}
	for _, p := range all {
		t.Words = p.appendWords(t.Words)
	}
}

func (t *Terms) addAddress(chunk string) {
	local, host, _ := strings.Cut(chunk, "@")
	var room [fewPieces]piece
	all := appendPieces(room[:0], local)
	for _, p := range all {
		t.Words = p.appendWords(t.Words)
	}
	if login := joined(all); login != "" {
		t.Logins = append(t.Logins, login)
	}
	for _, p := range appendPieces(room[:0], host) {
		t.Hosts = p.appendWords(t.Hosts)
	}
}

func sorted(words []string) []string {
	slices.Sort(words)
	return slices.Compact(words)
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

// Where is where a typed word is looked for.
type Where uint8

const (
	// Anywhere is among words, logins and hosts.
	Anywhere Where = iota
	// InLogins is for what was typed before an @, so it must be a login, whole.
	InLogins
	// InHosts is for what was typed behind an @.
	InHosts
)

// Typed is one word that somebody typed, folded.
type Typed struct {
	Text  string
	Where Where
	// Typo tells that it is long enough for a typo to be forgiven. Letters are
	// counted as people count them: a Hangul syllable is one.
	Typo bool
}

// InText lists the different words of what somebody typed, cut as Of cuts, but
// each chunk in one way only: apostrophes left out, hyphens cut, long unspaced
// runs in pieces of eight.
func InText(text string) []Typed {
	var all []Typed
	add := func(word string, where Where) {
		typed := Typed{word, where, letters(word) >= typoLetters}
		if word != "" && !slices.Contains(all, typed) {
			all = append(all, typed)
		}
	}
	addPieces := func(text string, where Where) {
		for _, p := range appendPieces(nil, text) {
			for _, word := range p.appendTyped(nil) {
				add(word, where)
			}
		}
	}
	for chunk := range chunks(text) {
		before, behind, isAddress := strings.Cut(chunk, "@")
		if isAddress {
			add(joined(appendPieces(nil, before)), InLogins)
			addPieces(behind, InHosts)
		} else {
			addPieces(chunk, Anywhere)
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

// chunks gives the folded text cut at spaces, without the punctuation behind.
func chunks(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for chunk := range strings.FieldsFuncSeq(Fold(text), isSpace) {
			if chunk = strings.TrimRightFunc(chunk, isPunctuation); chunk != "" && !yield(chunk) {
				return
			}
		}
	}
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

func isSpace(r rune) bool { return r == ' ' || unicode.IsSpace(r) || unicode.IsControl(r) }

func isPunctuation(r rune) bool { return !isWord(r) }

func isWord(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || '0' <= r && r <= '9'
	}
	return !isApostrophe(r) && unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.So)
}
