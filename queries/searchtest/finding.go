package searchtest

import (
	"testing"

	"github.com/seed5b6a70b4/identity/domain"
	"github.com/seed5b6a70b4/identity/queries"
)

// finding is what a user must and must not be found by. Where it is not about
// typos, it must be found without one.
type finding struct {
	rule                  string
	typos                 bool
	name, username, email string
	by, notBy             []string
}

var findings = []finding{
	{
		rule: "every word, in any order, from its beginning", name: "Maria Anna Rossi",
		by: []string{"maria", "MARIA ROSSI", "rossi mar", "m", "a r m", " anna  "}, notBy: []string{"ari", "maria bianchi", "mariann", "rossimaria"},
	},
	{
		rule: "Latin with diacritics, both ways", name: "José Müller-Lüdenscheidt Çelik",
		by: []string{"jose", "JOSÉ", "jos\u0065\u0301", "muller", "mu\u0308ller", "ludensch", "celik"},
	},
	{
		rule: "letters that do not decompose", name: "Łukasz Øyvind Đorđe Æsir Groß Kılıç Þór Œuvre",
		by:    []string{"lukasz", "łukasz", "oyvind", "dorde", "aesir", "æsir", "gross", "groß", "GROẞ", "kilic", "KILIÇ", "thor", "oeuvre"},
		notBy: []string{"gros kxlik"},
	},
	{rule: "Turkish capitals", name: "İsmail IŞIK", by: []string{"ismail", "İSMAİL", "isik", "ışık"}},
	{rule: "Vietnamese", name: "Nguyễn Thị Đào", by: []string{"nguyen", "thi dao", "NGUYỄN"}},
	{rule: "ligatures and width", name: "ﬁona Ｗａｎｇ", by: []string{"fiona", "wang", "ｆｉｏｎａ"}},
	{
		rule: "hyphens, alike on both sides", name: "Jean-Pierre Al‑Rashid",
		by: []string{"jean-pierre", "jean pierre", "pierre", "jeanpierre", "jeanp", "al-rash", "alrashid", "rashid"}, notBy: []string{"anpierre"},
	},
	{
		rule: "apostrophes, whichever was typed", name: "Sinéad O’Neill d'Angelo",
		by: []string{"o'neill", "oneill", "o’neill", "neill", "o neill", "dangelo", "d´angelo", "angelo", "oʼnei"}, notBy: []string{"sineadoneill"},
	},
	{rule: "Cyrillic", name: "Фёдор Мар'яна Ґалаґан", by: []string{"федор", "ФЁДОР", "фед", "маряна", "мар’яна", "галаган"}, notBy: []string{"fedor"}},
	{rule: "Greek, with its final sigma", name: "Γιώργος Ευαγγελία", by: []string{"γιωργος", "ΓΙΏΡΓΟΣ", "γιώργοσ", "ευαγγελια"}},
	{
		rule: "Arabic, with and without its vowel signs and hamzas", name: "مُحَمَّد أحمد فاطمة",
		by: []string{"محمد", "مُحَمَّد", "محـمد", "احمد", "أحمد", "فاطمه", "فاطمة"}, notBy: []string{"حمد"},
	},
	{rule: "Farsi letters as Arabic ones", name: "علی کریمی", by: []string{"علي", "علی", "كريمي"}},
	{rule: "Hebrew, with and without points, final forms", name: "אַבְרָהָם כהן", by: []string{"אברהם", "אַבְרָהָם", "אברהמ", "כה"}},
	{rule: "Devanagari: vowel signs count, the nukta does not", name: "अनिता हरि फ़िरोज़", by: []string{"अनिता", "अनि", "हरि", "फिरोज"}, notBy: []string{"अनता", "हर्"}},
	{rule: "Thai: vowel signs and tone marks count", name: "สมหญิง แก้ว", by: []string{"สมหญิง", "สมห", "แก้ว"}, notBy: []string{"แกว"}},
	{
		rule: "Hangul, from any syllable, while it is typed", name: "김민수",
		by: []string{"김", "김민수", "김민ㅅ", "기", "ㄱ", "민수", "수"}, notBy: []string{"긴민수", "민김"},
	},
	{rule: "unspaced Chinese, from any character", name: "欧阳娜娜", by: []string{"欧阳娜娜", "欧阳", "娜娜", "阳娜", "娜"}, notBy: []string{"欧娜", "娜欧"}},
	{rule: "unspaced Japanese, Hiragana for Katakana", name: "山田花子 マイケル・ジャクソン", by: []string{"山田", "花子", "田花", "まいける", "ﾏｲｹﾙ", "ケル", "ジャクソン", "花子 山田"}, notBy: []string{"山花"}},
	{
		rule: "a long unspaced run, from any character to any other", name: "株式会社国際電気通信基礎技術研究所",
		by: []string{"国際電気", "通信基礎技術研究所", "国際電気通信基礎技術研究所", "所"}, notBy: []string{"国際通信"},
	},
	{rule: "scripts that touch", name: "第2営業部Team7北", by: []string{"営業部", "2", "team7", "team", "北", "第2営業部"}, notBy: []string{"eam"}},
	{rule: "digits of any script", name: "٤٢ टीम ७", by: []string{"42", "7", "७", "٤٢"}},
	{rule: "symbols are letters of their own kind", name: "🚀Team ★", by: []string{"🚀", "★", "🚀team"}, notBy: []string{"☆"}},
	{
		rule: "usernames, by their parts and as one", name: "X", username: "jane.doe-smith_92",
		by: []string{"jane", "doe", "smith", "92", "jane.doe", "jane.doe-smith_92", "JANE.DOE", "janedoesmith92", "janed"}, notBy: []string{"oe", "doesmith"},
	},
	{
		rule: "addresses, by their parts and whole", name: "X", email: "Anna.Bell+news@Mail.Example.org",
		by:    []string{"anna", "bell", "news", "anna.bell", "anna.bell+news@mail.example.org", "anna.bell+news@mail", "annabellnews@mail.ex", "mail", "example", "example.org", "@example", "anna @mail", "bell example"},
		notBy: []string{"anna@mail", "bell@mail.example.org", "@anna", "anna.bell+news@mail.example.com", "ample"},
	},
	{rule: "a username that is an address", name: "X", username: "jo.ann@site.example", by: []string{"jo", "ann", "jo.ann@site", "site", "joann", "joannsite"}, notBy: []string{"ann@site"}},
	{
		rule: "what is typed before an @ is a login, and whole", name: "Gwendolynx Anna", username: "gwendolynes", email: "other@university.example",
		by: []string{"other@university", "gwendolynes@university"}, notBy: []string{"gwendolyn@university", "gwendolynx@university", "anna@university", "othe@univ x"},
	},
	{rule: "punctuation around is no part of a word", name: "\"Bob\" (Robert)", by: []string{"bob", "(bob)", "robert,", "<bob>"}},
	{rule: "nothing but punctuation finds nothing", name: "Team - One", by: []string{"team -"}, notBy: []string{"-", "...", "@", "'"}},
	{rule: "no text finds everybody", name: "Anybody", by: []string{"", " ", "\t\u3000"}},

	{
		typos: true, rule: "one typo in four letters or more: wrong, superfluous, missing, swapped", name: "Katharina",
		by:    []string{"kathorina", "katharrina", "kathaina", "kathairna", "jatharina", "katharins", "katharinas", "aktharina", "xkatharina", "atharina", "katahr", "kathxrina", "kxth"},
		notBy: []string{"kathx", "kxt", "akt", "kathroian", "ktahairna", "kathabcina", "kathariniss"},
	},
	{typos: true, rule: "a typo is not forgiven in three letters", name: "Anna", by: []string{"anan", "amna", "annb", "annaa"}, notBy: []string{"ana", "amn"}},
	{typos: true, rule: "one of two equal letters at the end is the last one", name: "Kabcd", by: []string{"kaabc"}, notBy: []string{"kabb"}},
	{typos: true, rule: "one typo in each word", name: "Katharina Johansson", by: []string{"kathrina johnasson"}, notBy: []string{"kathrna johansson"}},
	{typos: true, rule: "a typo is one letter, of any script", name: "Екатерина Γεωργία 田中太郎", by: []string{"екатирина", "γεοργια", "田中大郎"}, notBy: []string{"екотирина"}},
	{typos: true, rule: "Hangul: four syllables or more", name: "황보민수", by: []string{"황보빈수"}, notBy: []string{"황부민"}},
	{
		typos: true, rule: "typos in usernames and addresses", name: "X", username: "gwen.dolyn7", email: "gwendolyn@university.example",
		by: []string{"gwendolyn8", "gwendolyn78", "gwendolyn@university.example", "gwendolyx@university", "gwendolynx@university", "gwendolin7", "gwendlyn@university", "gwendolyn@univresity.example"}, notBy: []string{"gwendolyn89", "gwndlyn@university", "gwendolyn@college"},
	},
}

func testFindings(t *testing.T, f *fixture) {
	for _, finding := range findings {
		d := f.user(finding.name)
		d.Username, d.Email = finding.username, finding.email
		g := newFixture(t, f.index)
		f.put(t, d)
		for _, texts := range []struct {
			list []string
			want int
		}{{finding.by, 1}, {finding.notBy, 0}} {
			for _, text := range texts.list {
				c := queries.Criteria{Kind: domain.UserMember, Text: text}
				found := g.page(t, c, nil, 2)
				if len(found.IDs) != texts.want {
					t.Errorf("%s: %q finds %q %d times", finding.rule, text, finding.name+finding.username+finding.email, len(found.IDs))
				}
				if texts.want == 1 && !finding.typos && judge(f.judge.documents[d.ID].terms, text) == withTypo {
					t.Errorf("%s: %q finds %q only as a typo", finding.rule, text, finding.name+finding.username+finding.email)
				}
			}
		}
		d.Revision, d.Removed = d.Revision+1, true
		f.put(t, d)
	}
}
