package v1alpha1

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/internal/suggest"
)

// faults collects what is wrong with the values of an object.
type faults struct{ all []error }

// add notes a fault at path; the message says what is wrong and what to do.
func (f *faults) add(path, format string, args ...any) {
	f.all = append(f.all, fmt.Errorf("%s: "+format, append([]any{path}, args...)...))
}

// err returns all faults, one a line, or nil.
func (f *faults) err() error { return errors.Join(f.all...) }

func (f *faults) required(path, value string) bool {
	if value == "" {
		f.add(path, "is missing; set it")
		return false
	}
	return true
}

// oneOf complains about a word that is not known.
func (f *faults) oneOf(path, what, word string, known []string) {
	if !slices.Contains(known, word) {
		f.add(path, "unknown %s %q%s", what, word, suggest.Hint(word, known))
	}
}

// model adds a fault where an id is that of no model, with the TransformedPrefix or without.
func (f *faults) model(path, id string) {
	f.oneOf(path, "model", strings.TrimPrefix(id, TransformedPrefix), Models())
}

// number returns the value of d, or false where it is absent or, after a fault, no
// number in [low, high], from which the bounds themselves are excluded by open.
func (f *faults) number(path string, d Decimal, low, high float64, open bool) (float64, bool) {
	if d == "" {
		return 0, false
	}
	v, err := d.Float()
	if err != nil {
		f.add(path, "%v; write a decimal number such as \"0.5\"", err)
		return 0, false
	}
	if v < low || v > high || open && (v == low || v == high) {
		f.add(path, "%s is out of range; write %s", d, rangeText(low, high, open))
		return 0, false
	}
	return v, true
}

func rangeText(low, high float64, open bool) string {
	switch {
	case math.IsInf(low, -1) && open:
		return fmt.Sprintf("a number less than %g", high)
	case math.IsInf(high, 1) && open:
		return fmt.Sprintf("a number greater than %g", low)
	case math.IsInf(high, 1):
		return fmt.Sprintf("a number of at least %g", low)
	case open:
		return fmt.Sprintf("a number between %g and %g, without the two", low, high)
	}
	return fmt.Sprintf("a number from %g to %g", low, high)
}

// positive complains about a duration that is not.
func (f *faults) positive(path string, d metav1.Duration) {
	if d.Duration <= 0 {
		f.add(path, "%s is not positive; write a duration such as 30s", d.Duration)
	}
}

// notNegative complains about a duration that is; nil is fine.
func (f *faults) notNegative(path string, d *metav1.Duration) {
	if d != nil && d.Duration < 0 {
		f.add(path, "%s is negative; write a duration such as 30s, or 0s", d.Duration)
	}
}

func parsePositive(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is not a positive duration; write one such as 5m or 24h", s)
	}
	return d, nil
}
