package memsearch

import "testing"
import "fmt"

func Breakdown(x *Index, b *testing.B) {
	for _, s := range x.shelves["user"].state.Load().segments {
		n := s.size
		d := float64(n.Documents)
		fmt.Printf("docs %d: docterms/doc %.2f terms/doc %.2f termbytes/doc %.2f labels/doc %.2f labeldata/doc(B) %.2f total %.1f\n", n.Documents, float64(n.DocTerms)/d, float64(n.Terms)/d, float64(n.TermBytes)/d, float64(n.Labels)/d, float64(n.LabelData)*4/d, float64(n.bytes())/d)
	}
}
