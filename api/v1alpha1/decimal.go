package v1alpha1

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// A Decimal is a number written as a string, as the Kubernetes API conventions ask
// for, since floats do not survive all encodings. A bare number is read as well; the
// API server takes a bare number only where it is whole.
//
// +kubebuilder:validation:XIntOrString
// +kubebuilder:validation:Pattern=`^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$`
type Decimal string

// Float returns the number; the empty Decimal is NaN. Infinite and NaN texts are
// errors.
func (d Decimal) Float() (float64, error) {
	if d == "" {
		return math.NaN(), nil
	}
	v, err := strconv.ParseFloat(string(d), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is not a number", string(d))
	}
	return v, nil
}

// Or returns the number, or def where d is empty or no number; use it after
// validation.
func (d Decimal) Or(def float64) float64 {
	v, err := d.Float()
	if err != nil || math.IsNaN(v) {
		return def
	}
	return v
}

// UnmarshalJSON reads a string or a bare number.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return fmt.Errorf("decimal: %w", err)
		}
		*d = Decimal(s)
		return nil
	}
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return fmt.Errorf("decimal: %w", err)
	}
	*d = Decimal(n.String())
	return nil
}
