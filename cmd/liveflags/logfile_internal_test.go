package liveflags

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTornLogGoesOn: what is written after a line that has no end is a line of its own.
func TestTornLogGoesOn(t *testing.T) {
	t.Parallel()
	torn := strings.Repeat("x", 200_000) // longer than what is read at a time
	for name, tc := range map[string]struct{ before, want string }{
		"new":               {"", "next\n"},
		"whole":             {"first\nsecond\n", "first\nsecond\nnext\n"},
		"torn":              {"first\nsec", "first\nnext\n"},
		"torn at the start": {"fir", "next\n"},
		"torn long":         {"first\n" + torn, "first\nnext\n"},
		"torn long alone":   {torn, "next\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, "shop_till.jsonl")
			if err := os.WriteFile(file, []byte(tc.before), 0o600); err != nil {
				t.Fatal(err)
			}
			log, err := logFiles(dir)("shop", "till")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(log, "next\n"); err != nil {
				t.Fatal(err)
			}
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(file); err != nil || string(got) != tc.want {
				t.Errorf("%.100q, %v, want %q", got, err, tc.want)
			}
		})
	}
}
