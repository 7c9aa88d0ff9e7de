package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// table is a table of finished text; each format writes the same one.
type table struct {
	caption string
	columns []column
	rows    [][]string
	note    string
	sample  string // of a comparison
}

// column is a heading with its unit; words says that its cells are text, which is
// set to the left.
type column struct {
	name, unit string
	words      bool
}

func (c column) head() string {
	if c.unit == "" {
		return c.name
	}
	return c.name + ", " + c.unit
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// dropLast removes the last column.
func (t *table) dropLast() {
	last := len(t.columns) - 1
	t.columns = t.columns[:last]
	for i := range t.rows {
		t.rows[i] = t.rows[i][:last]
	}
}

// undefinedNote explains the dash where the table has one.
func (t *table) undefinedNote() string {
	for _, row := range t.rows {
		if slices.Contains(row, undefined) {
			return undefined + ": undefined, for example a share of nothing."
		}
	}
	return ""
}

// notes are the sentences below the table.
func (t *table) notes() string {
	return strings.TrimSpace(t.note + " " + t.undefinedNote())
}

// text writes aligned columns for a terminal.
func (t *table) text(w io.Writer) error {
	var cells [][]string
	for _, row := range append([][]string{t.heads()}, t.rows...) {
		line := make([]string, len(row))
		for i, cell := range row {
			line[i] = plain(cell)
		}
		cells = append(cells, line)
	}
	return t.aligned(w, cells, func(w io.Writer, line []string) error {
		_, err := fmt.Fprintln(w, strings.TrimRight(strings.Join(line, "  "), " "))
		return err
	}, false)
}

// markdown writes a GitHub table whose source is aligned too.
func (t *table) markdown(w io.Writer) error {
	heads := t.heads()
	for i := range heads {
		heads[i] = markdown(heads[i])
	}
	cells := [][]string{heads}
	for _, row := range t.rows {
		line := make([]string, len(row))
		for i, cell := range row {
			line[i] = markdown(cell)
		}
		cells = append(cells, line)
	}
	return t.aligned(w, cells, func(w io.Writer, line []string) error {
		_, err := fmt.Fprintln(w, "| "+strings.Join(line, " | ")+" |")
		return err
	}, true)
}

func (t *table) heads() []string {
	heads := make([]string, len(t.columns))
	for i, c := range t.columns {
		heads[i] = c.head()
	}
	return heads
}

// aligned pads cells, whose first line is the heads, and writes each line; rule asks
// for a Markdown rule below the heads.
func (t *table) aligned(w io.Writer, cells [][]string, write func(io.Writer, []string) error, rule bool) error {
	widths := make([]int, len(t.columns))
	for _, line := range cells {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, line := range cells {
		padded := make([]string, len(line))
		for i, cell := range line {
			fill := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.columns[i].words {
				padded[i] = cell + fill
			} else {
				padded[i] = fill + cell
			}
		}
		if err := write(w, padded); err != nil {
			return err
		}
		if n > 0 || !rule {
			continue
		}
		for i, width := range widths {
			padded[i] = strings.Repeat("-", max(width-1, 2))
			if t.columns[i].words {
				padded[i] += "-"
			} else {
				padded[i] += ":"
			}
		}
		if err := write(w, padded); err != nil {
			return err
		}
	}
	return nil
}
