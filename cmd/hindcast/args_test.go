package main

import (
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"
)

func testApp() *cli.App { return newApp(strings.NewReader(""), io.Discard, io.Discard) }

// leaves returns the words that call the commands that do something.
func leaves(commands []*cli.Command, before ...string) [][]string {
	var all [][]string
	for _, c := range commands {
		words := append(slices.Clone(before), c.Name)
		if len(c.Subcommands) == 0 {
			all = append(all, words)
		}
		all = append(all, leaves(c.Subcommands, words...)...)
	}
	return all
}

// TestFlagsAnywhere puts every flag of every command before, between and after two
// arguments, in all the ways in which it can be written, and asks the command what it
// got.
func TestFlagsAnywhere(t *testing.T) {
	for _, words := range leaves(testApp().Commands) {
		for i, f := range command(testApp(), words).Flags {
			value, want := example(f)
			for _, flag := range spellings(f, value) {
				for _, args := range placements(flag) {
					line := slices.Concat([]string{"hindcast"}, words, args)
					app := testApp()
					c := command(app, words)
					ran := false
					c.Action = func(ctx *cli.Context) error {
						ran = true
						if d := cmp.Diff([]string{"one", "two"}, ctx.Args().Slice()); d != "" {
							t.Errorf("%q: arguments (-want +got):\n%s", line, d)
						}
						if d := cmp.Diff(want, read(ctx, c.Flags[i])); d != "" {
							t.Errorf("%q: flag (-want +got):\n%s", line, d)
						}
						return nil
					}
					if err := app.Run(reorder(app, line)); err != nil || !ran {
						t.Errorf("%q: did run: %v, %v", line, ran, err)
					}
				}
			}
		}
	}
}

// spellings returns the ways to give a flag a value.
func spellings(f cli.Flag, value string) [][]string {
	var all [][]string
	_, isBool := f.(*cli.BoolFlag)
	for _, name := range f.Names() {
		for _, dash := range []string{"-", "--"} {
			if !isBool {
				all = append(all, []string{dash + name, value})
			} else {
				all = append(all, []string{dash + name})
			}
			all = append(all, []string{dash + name + "=" + value})
		}
	}
	return all
}

// placements puts a flag somewhere around two arguments.
func placements(flag []string) [][]string {
	return [][]string{
		slices.Concat(flag, []string{"one", "two"}),
		slices.Concat([]string{"one"}, flag, []string{"two"}),
		slices.Concat([]string{"one", "two"}, flag),
		slices.Concat(flag, []string{"--", "one", "two"}),
		slices.Concat([]string{"one"}, flag, []string{"--", "two"}),
	}
}

// example returns a value of a flag, as it is written and as it is read. Commas do not
// split it.
func example(f cli.Flag) (written string, want any) {
	const promQL = `sum(rate(a{b="c",d="e"}[1m])) by (f,g)`
	switch f.(type) {
	case *cli.BoolFlag:
		return "true", true
	case *cli.IntFlag:
		return "7", 7
	case *cli.Uint64Flag:
		return "7", uint64(7)
	case *cli.Float64Flag:
		return "0.5", 0.5
	case *cli.DurationFlag:
		return "7s", 7 * time.Second
	case *cli.StringSliceFlag:
		return promQL, []string{promQL}
	default:
		return promQL, promQL
	}
}

func read(c *cli.Context, f cli.Flag) any {
	name := f.Names()[0]
	switch f.(type) {
	case *cli.BoolFlag:
		return c.Bool(name)
	case *cli.IntFlag:
		return c.Int(name)
	case *cli.Uint64Flag:
		return c.Uint64(name)
	case *cli.Float64Flag:
		return c.Float64(name)
	case *cli.DurationFlag:
		return c.Duration(name)
	case *cli.StringSliceFlag:
		return c.StringSlice(name)
	default:
		return c.String(name)
	}
}

func command(app *cli.App, words []string) *cli.Command {
	commands := app.Commands
	var found *cli.Command
	for _, w := range words {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.Name == w })
		found, commands = commands[i], commands[i].Subcommands
	}
	return found
}

func TestReorder(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"hindcast", "hindcast"},
		{"hindcast help", "hindcast --help"},
		{"hindcast help datasets list", "hindcast datasets list --help"},
		{"hindcast -h backtest", "hindcast -h backtest"},
		{"hindcast unknown a --b c", "hindcast unknown a --b c"},
		{"hindcast datasets unknown --seed 1", "hindcast datasets unknown --seed 1"},
		{"hindcast explain run --at", "hindcast explain --at"},
		{"hindcast datasets generate - -o -", "hindcast datasets generate -o - -"},
		{"hindcast compare a -- -b --c", "hindcast compare -- a -b --c"},
		{"hindcast backtest --data --force x", "hindcast backtest --data --force x"},
		{"hindcast backtest x --force --seed -1", "hindcast backtest --force --seed -1 x"},
	} {
		got := reorder(testApp(), strings.Fields(tc.in))
		if d := cmp.Diff(strings.Fields(tc.want), got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.in, d)
		}
	}
}

// TestMeterIsQuiet holds that a progress line goes to terminals only.
func TestMeterIsQuiet(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, w := range []io.Writer{file, io.Discard} {
		m := newMeter(w)
		m.show(1, 2)
		m.clear()
	}
	if info, err := file.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("%v bytes, %v; want none", info.Size(), err)
	}
}
