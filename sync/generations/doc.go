// Package generations says which generations of the rows and of the search index
// of a directory there are, for processes that share them: which of them answers,
// which is being filled beside it, which is kept to go back to, and which is on
// its way out.
//
// The Roll is one small record that changes by comparing and setting. Every
// process hears of a change within moments, and keeps up to date whatever is on
// it; a generation is taken off only when nobody can answer from it any more. So
// it does not matter in which order processes hear that another one answers.
//
// Numbers of generations are never given twice. A generation of the search index
// is made of one generation of rows, and of that alone for as long as there is it:
// the revisions of its documents are counted there.
package generations
