// Package suggest finds the name that was probably meant by a mistyped one, for
// error messages. It knows no names of its own.
package suggest

import (
	"strconv"
	"strings"
)

// Nearest returns the candidate that differs least from word, the first of several,
// or "" where none is near: a third of the letters of word, and at least one, may
// be wrong. Letters that differ in case only count as equal; two neighbours in the
// wrong order count as one mistake. Where none is near, a candidate that begins with
// word is, if word has three letters or more.
func Nearest(word string, candidates []string) string {
	w := []rune(strings.ToLower(word))
	best, least := "", max(1, len(w)/3)+1
	for _, c := range candidates {
		if c == "" || c == word {
			continue
		}
		if d := distance(w, []rune(strings.ToLower(c))); d < least {
			best, least = c, d
		}
	}
	if best != "" || len(w) < fewestLetters {
		return best
	}
	for _, c := range candidates {
		if c != word && strings.HasPrefix(strings.ToLower(c), string(w)) {
			return c
		}
	}
	return ""
}

// fewestLetters is how much of a name must be there to be taken for its beginning.
const fewestLetters = 3

// Hint returns the end of an error message about an unknown word: which candidate
// was probably meant, or else what there is.
func Hint(word string, candidates []string) string {
	if n := Nearest(word, candidates); n != "" {
		return "; did you mean " + strconv.Quote(n) + "?"
	}
	if len(candidates) == 0 {
		return ""
	}
	return "; known: " + strings.Join(candidates, ", ")
}

// distance is the number of insertions, deletions, substitutions and swaps of
// neighbours that turn a into b, where no letter is touched twice (the optimal
// string alignment of Damerau, 1964, and Levenshtein, 1966).
func distance(a, b []rune) int {
	before := make([]int, len(b)+1)
	last := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
