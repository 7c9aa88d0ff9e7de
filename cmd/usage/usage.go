// Package usage says what is wrong with a command line, in one line and as the user wrote
// it. It reads no flag and ends nothing.
package usage

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"hindcast.dev/internal/suggest"
)

// Error is what is wrong with the flags. It is an OnUsageError of the command line.
func Error(c *cli.Context, err error, _ bool) error {
	text, see := err.Error(), fmt.Sprintf("; see `%s --help`", c.Command.HelpName)
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		var known []string
		for _, f := range c.Command.Flags {
			known = append(known, f.Names()...)
		}
		if near := suggest.Nearest(name, known); len(near) > 1 {
			see = fmt.Sprintf("; did you mean %s?", dashed(near))
		}
		return fmt.Errorf("no flag %s%s", dashed(name), see)
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return fmt.Errorf("%s needs a value%s", dashed(name), see)
	}
	if value, rest, ok := strings.Cut(strings.TrimPrefix(text, "invalid value "), " for flag -"); ok {
		name, _, _ := strings.Cut(rest, ":")
		return fmt.Errorf("%s: %s is not a value that it takes%s", dashed(name), value, see)
	}
	return fmt.Errorf("%w%s", err, see)
}

// dashed writes a flag with the dashes that it has on the command line.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + strings.TrimPrefix(name, "-")
}
