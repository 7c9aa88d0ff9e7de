package importer

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"hindcast.dev/datasets"
	"hindcast.dev/internal/suggest"
)

// An input is a source that was looked at. It is still open if it is the only one.
type input struct {
	Source
	probe probe
	open  *opened
}

// survey looks at the beginning of every source: it finds the format, sorts the sources by
// the first time in each, and takes the step from the first where levels are recorded
// and no step was asked for.
func (s *sink) survey(sources []Source) ([]input, error) {
	if err := s.asked(); err != nil {
		return nil, err
	}
	inputs := make([]input, len(sources))
	for i, src := range sources {
		if slices.ContainsFunc(sources[:i], func(o Source) bool { return o.Name == src.Name }) {
			return nil, &datasets.ParseError{File: src.Name, Msg: "the file is named twice", Hint: "its lines would count double; name it once"}
		}
		inputs[i].Source = src
		if err := s.look(&inputs[i], len(sources) == 1); err != nil {
			return nil, err
		}
	}
	if !s.format.unordered {
		slices.SortStableFunc(inputs, func(a, b input) int { return cmp.Compare(a.probe.earliest, b.probe.earliest) })
	}
	p := inputs[0].probe
	s.nominal = p.distance
	if !p.levels || s.format.minutes {
		return inputs, nil
	}
	if s.cfg.Step == 0 && s.nominal > 0 {
		s.table.step = max(s.nominal, int64(shortestStep))
	}
	// Samples that are on a grid of this step stay what they are.
	if s.table.step == s.nominal {
		s.table.origin = p.earliest
	}
	return inputs, nil
}

// asked takes the format that was asked for.
func (s *sink) asked() error {
	if s.cfg.Format == "" {
		return nil
	}
	for _, f := range Formats() {
		if f.Name == s.cfg.Format {
			return s.is(&f)
		}
	}
	return fmt.Errorf("unknown format %q%s", s.cfg.Format, suggest.Hint(s.cfg.Format, formatNames()))
}

func formatNames() []string {
	var names []string
	for _, f := range Formats() {
		names = append(names, f.Name)
	}
	return names
}

func (s *sink) is(f *Format) error {
	s.format = f
	s.report.Format = f.Name
	return f.checkSelect(s.cfg)
}

// look opens a source and finds out what it is.
func (s *sink) look(in *input, only bool) error {
	o, err := open(in.Source)
	if err != nil {
		return err
	}
	if only {
		in.open = o
	} else {
		defer o.Close()
	}
	h, err := o.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) && len(h) == 0 {
		return readFault(in.Name, 0, err)
	}
	if len(h) == 0 {
		return &datasets.ParseError{File: in.Name, Msg: "the file is empty", Hint: "name a file with a recording"}
	}
	if s.cfg.Format == "" {
		f := detect(in.Name, h)
		switch {
		case f == nil:
			return &datasets.ParseError{File: in.Name, Msg: "the format is not recognised", Hint: "say which with --format: " + strings.Join(formatNames(), ", ")}
		case s.format == nil:
			if err := s.is(f); err != nil {
				return err
			}
		case s.format.Name != f.Name:
			return &datasets.ParseError{File: in.Name, Msg: fmt.Sprintf("looks like %s, but the file before it like %s", f.Name, s.format.Name),
				Hint: "import them one by one, or say which with --format"}
		}
	}
	in.probe = s.format.probe(in.Name, h, *s.cfg)
	return nil
}
