package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// reorder moves the flags of a command before its arguments, since cli stops at the
// first argument, and turns `help COMMAND` into `COMMAND --help`. What follows a lone
// "--" stays an argument.
func reorder(app *cli.App, args []string) []string {
	if len(args) > 1 && args[1] == "help" {
		args = append([]string{args[0]}, append(slices.Clone(args[2:]), "--help")...)
	}
	head, commands := 1, app.Commands
	var flags []cli.Flag
	for head < len(args) {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(args[head]) })
		if i < 0 {
			break
		}
		flags, commands = commands[i].Flags, commands[i].Subcommands
		head++
	}
	if head >= len(args) || len(commands) > 0 {
		return args // no command that has arguments
	}
	out := slices.Clone(args[:head])
	var rest []string
	for i := head; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			out = append(out, "--")
			rest = append(rest, args[i+1:]...)
			break
		}
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			rest = append(rest, arg)
			continue
		}
		out = append(out, arg)
		if takesValue(flags, arg) {
			i++
			if i == len(args) {
				return out // An argument put behind the flag would become its value.
			}
			out = append(out, args[i])
		}
	}
	return append(out, rest...)
}

// takesValue reports whether the argument after a flag is its value.
func takesValue(flags []cli.Flag, arg string) bool {
	name := strings.TrimLeft(arg, "-")
	if strings.Contains(name, "=") {
		return false
	}
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			_, isBool := f.(*cli.BoolFlag)
			return !isBool
		}
	}
	return false
}
