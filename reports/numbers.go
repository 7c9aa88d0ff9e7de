package reports

import (
	"math"
	"strconv"
	"strings"

	"hindcast.dev/backtest/result"
)

// undefined is what tables show for a number that has no value.
const undefined = "–"

func itoa(n int) string { return strconv.Itoa(n) }

func formatUint(n uint64) string { return strconv.FormatUint(n, 10) }

// significant writes v with n significant digits but no digits behind the integer
// part that it does not have, groups thousands and uses a true minus sign.
func significant(v float64, n int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return undefined
	}
	if v == 0 {
		return "0"
	}
	places := max(n-1-int(math.Floor(math.Log10(math.Abs(v)))), 0)
	if p := math.Pow10(places); places < 300 && !math.IsInf(v*p, 0) {
		// Rounding up may add a digit: 9.96 with two digits is 10, not 10.0.
		v = math.Round(v*p) / p
		places = max(n-1-int(math.Floor(math.Log10(math.Abs(v)))), 0)
	}
	return signed(strconv.FormatFloat(v, 'f', places, 64))
}

func signed(s string) string {
	digits, minus := strings.CutPrefix(s, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if minus {
		whole = "−" + whole
	}
	return whole
}

// percent writes a fraction as a percentage without its sign: 23, 4.7, 0.05.
func percent(n result.Number) string {
	v := 100 * float64(n)
	if math.Abs(v) >= 1000 {
		// Many times as much: further digits say nothing.
		unit := math.Pow10(digits(v) - 2)
		v = math.Round(v/unit) * unit
	}
	if math.Abs(v) >= 100 {
		return significant(v, 3)
	}
	return significant(v, 2)
}

// goodShare writes a share close to 1 as a percentage with two significant digits
// of what is missing to 100: 99.93, 99.9921, 87.
func goodShare(n result.Number) string {
	if !n.Defined() {
		return undefined
	}
	missing := 100 * (1 - float64(n))
	if missing <= 0 {
		return "100"
	}
	places := min(max(1-int(math.Floor(math.Log10(missing))), 0), 6)
	s := strconv.FormatFloat(100-missing, 'f', places, 64)
	if strings.HasPrefix(s, "100") {
		return "> 99.999999"
	}
	return signed(s)
}

// number writes a quantity without a unit of its own, such as pod-hours.
func number(n result.Number) string {
	if v := math.Abs(float64(n)); v >= 100 {
		return significant(float64(n), int(math.Floor(math.Log10(v)))+1)
	}
	return significant(float64(n), 3)
}

// count writes a whole number.
func count(n int) string { return signed(itoa(n)) }

// milliseconds writes seconds as milliseconds without the unit.
func milliseconds(n result.Number) string {
	return seconds(result.Number(1000 * float64(n)))
}

// seconds writes seconds without the unit.
func seconds(n result.Number) string {
	if v := math.Abs(float64(n)); v >= 9.95 {
		return significant(float64(n), digits(v))
	}
	return significant(float64(n), 2)
}

// duration writes seconds with the unit that suits their size: 250 ms, 42 s, 5 min,
// 2.5 h, 3 d.
func duration(s float64) string {
	for _, u := range [...]struct {
		below, seconds float64
		name           string
	}{{1, 1e-3, " ms"}, {120, 1, " s"}, {2 * 3600, 60, " min"}, {48 * 3600, 3600, " h"}, {math.Inf(1), 86400, " d"}} {
		if math.Abs(s) < u.below {
			return trimmed(significant(s/u.seconds, max(2, digits(s/u.seconds)))) + u.name
		}
	}
	return undefined
}

// trimmed drops zeros that end a decimal fraction: what was set, not measured, shows
// as it was written.
func trimmed(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func digits(v float64) int {
	if v == 0 {
		return 1
	}
	return int(math.Floor(math.Log10(math.Abs(v)))) + 1
}

// withInterval writes a fraction and its interval: "23 % (18 to 27)".
func withInterval(n result.Number, iv *result.Interval) string {
	if !n.Defined() {
		return undefined
	}
	s := percent(n) + " %"
	if iv != nil && iv[0].Defined() && iv[1].Defined() {
		s += " (" + percent(iv[0]) + " to " + percent(iv[1]) + ")"
	}
	return s
}

// points writes a difference of shares in percentage points with its interval.
func points(n result.Number, iv *result.Interval) string {
	s := withInterval(n, iv)
	if n > 0 {
		s = "+" + s
	}
	return strings.Replace(s, " %", " pp", 1)
}
