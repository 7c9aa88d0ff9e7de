package suggest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hindcast.dev/internal/suggest"
)

func TestNearest(t *testing.T) {
	policies := []string{"static", "hpa", "v2", "v3", "oracle"}
	fields := []string{"metrics", "minReplicas", "maxReplicas", "mode", "scaleTargetRef"}
	for _, tc := range []struct {
		name, word string
		candidates []string
		want       string
	}{
		{"a letter too many", "v33", policies, "v3"},
		{"neighbours swapped", "hap", policies, "hpa"},
		{"a letter missing", "orcle", policies, "oracle"},
		{"a wrong letter", "metricz", fields, "metrics"},
		{"wrong case", "minreplicas", fields, "minReplicas"},
		{"two mistakes in a long word", "scaleTragetReff", fields, "scaleTargetRef"},
		{"the first of equals", "v1", policies, "v2"},
		{"too far", "quantile", fields, ""},
		{"short words need to be closer", "abc", policies, ""},
		{"nothing to choose from", "hpa", nil, ""},
		{"the word itself is no suggestion", "hpa", []string{"hpa"}, ""},
		{"the beginning of a name", "Batch", []string{"shop", "batch-nightly"}, "batch-nightly"},
		{"too short a beginning", "ba", []string{"shop", "batch-nightly"}, ""},
		{"empty word", "", policies, ""},
		{"empty candidate", "x", []string{""}, ""},
		{"letters, not bytes", "größe", []string{"grösse", "grüße"}, "grüße"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := suggest.Nearest(tc.word, tc.candidates); got != tc.want {
				t.Errorf("Nearest(%q) = %q, want %q", tc.word, got, tc.want)
			}
		})
	}
}

// edits returns all words that one mistake makes of word.
func edits(word string) []string {
	var all []string
	for i := range word {
		all = append(all, word[:i]+word[i+1:])
		all = append(all, word[:i]+"?"+word[i+1:])
		all = append(all, word[:i]+"?"+word[i:])
		if i > 0 {
			all = append(all, word[:i-1]+word[i:i+1]+word[i-1:i]+word[i+1:])
		}
	}
	return append(all, word+"?")
}

func TestNearestForgivesEveryMistakeItAllows(t *testing.T) {
	const name = "stabilizationWindowSeconds"
	once := edits(name)
	for _, one := range once {
		if got := suggest.Nearest(one, []string{"selectPolicy", name}); got != name && one != name {
			t.Fatalf("Nearest(%q) = %q, want %q", one, got, name)
		}
	}
	for i := 0; i < len(once); i += 7 {
		for _, two := range edits(once[i]) {
			if got := suggest.Nearest(two, []string{"selectPolicy", name}); got != name && two != name {
				t.Fatalf("Nearest(%q) = %q, want %q", two, got, name)
			}
		}
	}
}

func TestHint(t *testing.T) {
	for _, tc := range []struct {
		word  string
		known []string
		want  string
	}{
		{"v33", []string{"v2", "v3"}, `; did you mean "v3"?`},
		{"keda", []string{"v2", "v3"}, "; known: v2, v3"},
		{"keda", nil, ""},
	} {
		if got := suggest.Hint(tc.word, tc.known); got != tc.want {
			t.Errorf("Hint(%q, %q) = %q, want %q", tc.word, tc.known, got, tc.want)
		}
	}
}

func FuzzNearest(f *testing.F) {
	f.Add("v33", "v2 v3 hpa")
	f.Add("\xff", "größe x")
	f.Fuzz(func(t *testing.T, word, list string) {
		candidates := strings.Fields(list)
		got := suggest.Nearest(word, candidates)
		if got != "" && !slices.Contains(candidates, got) {
			t.Errorf("Nearest(%q, %q) = %q is no candidate", word, candidates, got)
		}
	})
}

func ExampleHint() {
	fmt.Println(`unknown policy "hap"` + suggest.Hint("hap", []string{"hpa", "v3"}))
	// Output: unknown policy "hap"; did you mean "hpa"?
}
