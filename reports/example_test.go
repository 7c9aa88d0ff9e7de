package reports_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hindcast.dev/reports"
)

// A run without timelines still has its tables; pictures of what is there are drawn.
func ExampleWrite() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := reports.Write(small(dir), dir); err != nil {
		panic(err)
	}
	for _, pattern := range []string{"report.*", "plots/*"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			panic(err)
		}
		for _, name := range names {
			fmt.Println(filepath.Base(name))
		}
	}
	// Output:
	// report.html
	// report.md
	// frontiers.png
	// frontiers.svg
}

func ExampleHTML() {
	var page strings.Builder
	if err := reports.HTML(&page, small("shop")); err != nil {
		panic(err)
	}
	_, verdict, _ := strings.Cut(page.String(), `<p class="sentence">`)
	verdict, _, _ = strings.Cut(verdict, "</p>")
	fmt.Println(verdict)
	// Output: At 99.9 % of requests good, v3 costs 18 % (15 to 21) less than hpa.
}

func ExampleMarkdown() {
	var text strings.Builder
	if err := reports.Markdown(&text, small("shop")); err != nil {
		panic(err)
	}
	_, table, _ := strings.Cut(text.String(), "## Compared at equal SLA\n\n")
	table, _, _ = strings.Cut(table, "\n\n")
	fmt.Println(table)
	// Output:
	// | candidate against baseline | less over-provisioning | faster scale-up |       less cost | requests good, difference | compared at |
	// | -------------------------- | ---------------------: | --------------: | --------------: | ------------------------: | ----------: |
	// | v3 against hpa             |                   37 % |               – | 18 % (15 to 21) |                 +0.037 pp |      99.9 % |
}
