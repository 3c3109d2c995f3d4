package words_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed5b6a70b4/identity/internal/words"
)

func TestTry(t *testing.T) {
	for _, s := range []string{"Jean-Pierre O'Neill", "田中太郎", "김민수", "مُحَمَّد", "Łukasz Ørsted ß İstanbul ışık", "हरि", "สมชาย", "マイケル・ジャクソン", "Team🚀 C++ ★", "Мар'яна Ёлкин Йод"} {
		t.Logf("%q %v", words.Of(s, "jane.doe92", "jane.doe@acme.com"), words.InText(s))
	}
	_ = cmp.Diff
}
