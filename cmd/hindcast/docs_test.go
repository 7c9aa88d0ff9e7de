package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"
)

var update = flag.Bool("update", false, "write docs/cli.md anew")

const pageFile = "../../docs/cli.md"

// TestPage holds that docs/cli.md has every command and flag as they are;
// `go test ./cmd/hindcast -run TestPage -update` writes it.
func TestPage(t *testing.T) {
	want := page(testApp())
	if *update {
		if err := os.WriteFile(pageFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(got), want); d != "" {
		t.Errorf("docs/cli.md is stale (-page +program); run this test with -update:\n%s", d)
	}
}

const preface = `# The command line

This page is made from the program by ` + "`go test ./cmd/hindcast -run TestPage -update`" + `; a test
fails where it is stale. ` + "`hindcast help COMMAND`" + ` says the same.

Flags stand before or after arguments; after a lone ` + "`--`" + ` everything is an argument. Results go
to standard output or to what ` + "`-o`" + ` names, progress and errors to standard error, a line each,
with what to do about it. What is written is written whole or not at all.

| exit code | means |
|---|---|
| 0 | done |
| 1 | a test failed, or a check found a regression |
| 2 | wrong usage, bad input, or something could not be written |
| 3 | a check could not tell: too little data |
| 130 | interrupted; nothing half-written is left |
`

func page(app *cli.App) string {
	var b strings.Builder
	b.WriteString(preface)
	writeCommands(&b, app.Name, app.Commands)
	return b.String()
}

func writeCommands(b *strings.Builder, parent string, commands []*cli.Command) {
	for _, c := range commands {
		name := parent + " " + c.Name
		if len(c.Subcommands) > 0 {
			writeCommands(b, name, c.Subcommands)
			continue
		}
		usage := name
		if len(c.Flags) > 0 {
			usage += " [FLAG...]"
		}
		if c.ArgsUsage != "" {
			usage += " " + c.ArgsUsage
		}
		fmt.Fprintf(b, "\n## %s\n\n    %s\n\n%s.\n", name, usage, capital(c.Usage))
		if c.Description != "" {
			fmt.Fprintf(b, "%s\n", c.Description)
		}
		if len(c.Flags) > 0 {
			b.WriteString("\n| flag | does | default |\n|---|---|---|\n")
		}
		for _, f := range c.Flags {
			writeFlag(b, f)
		}
	}
}

func writeFlag(b *strings.Builder, f cli.Flag) {
	doc := f.(cli.DocGenerationFlag)
	value := "" // what stands in backquotes
	if parts := strings.SplitN(doc.GetUsage(), "`", 3); len(parts) == 3 {
		value = parts[1]
	}
	usage := strings.NewReplacer("`", "", "|", "\\|").Replace(doc.GetUsage())
	var names []string
	for _, n := range f.Names() {
		if len(n) == 1 {
			n = "-" + n
		} else {
			n = "--" + n
		}
		names = append(names, "`"+strings.TrimSpace(n+" "+value)+"`")
	}
	text := doc.GetDefaultText()
	if b, ok := f.(*cli.BoolFlag); ok && b.DisableDefaultText {
		text = ""
	}
	fmt.Fprintf(b, "| %s | %s | %s |\n", strings.Join(names, ", "), usage, text)
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
