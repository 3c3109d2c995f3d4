package words_test

import (
	"testing"

	"github.com/seed5b6a70b4/identity/internal/words"
)

func BenchmarkOf(b *testing.B) {
	for script, name := range map[string][2]string{"Latin": {"Maria", "Rossi"}, "Greek": {"Γιώργος", "Παπαδόπουλος"}, "Hangul": {"", "김민수"}} {
		b.Run(script, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				words.Of(name[0]+" "+name[1], "maria.rossi92", "maria.rossi92@example.com", name[0], name[1])
			}
		})
	}
}
