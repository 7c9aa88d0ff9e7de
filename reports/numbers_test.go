package reports

import (
	"math"
	"strings"
	"testing"

	"hindcast.dev/backtest/result"
)

func TestNumbers(t *testing.T) {
	nan := result.Undefined()
	for _, c := range []struct{ name, got, want string }{
		{"percent of a quarter", percent(0.2345), "23"},
		{"small percentages keep two digits", percent(0.0047), "0.47"},
		{"rounding up does not add a digit", percent(0.0996), "10"},
		{"percent of several times", percent(4.251), "425"},
		{"thousands are grouped", percent(123.456), "12,000"},
		{"minus is a minus sign", percent(-0.171), "−17"},
		{"nothing", percent(0), "0"},
		{"undefined percent", percent(nan), undefined},
		{"infinite percent", percent(result.Number(math.Inf(1))), undefined},
		{"two digits of what is missing", goodShare(0.99934), "99.934"},
		{"one more nine", goodShare(0.99993), "99.9930"},
		{"a low share", goodShare(0.87), "87"},
		{"all good", goodShare(1), "100"},
		{"nearly all good is not all good", goodShare(1 - 1e-12), "> 99.999999"},
		{"undefined share", goodShare(nan), undefined},
		{"milliseconds", milliseconds(0.0904), "90"},
		{"below ten milliseconds", milliseconds(0.00512), "5.1"},
		{"seconds", seconds(123.4), "123"},
		{"undefined seconds", seconds(nan), undefined},
		{"pod-hours", number(1936.66), "1,937"},
		{"small pod-hours", number(1.239), "1.24"},
		{"money", money(71.866), "71.87"},
		{"much money", money(12345.6), "12,346"},
		{"little money", money(0.0123), "0.012"},
		{"no money", money(0), "0.00"},
		{"undefined money", money(nan), undefined},
		{"duration in ms", duration(0.25), "250 ms"},
		{"duration in s", duration(42), "42 s"},
		{"duration in min", duration(300), "5 min"},
		{"duration in h", duration(6 * 3600), "6 h"},
		{"duration in d", duration(7.5 * 86400), "7.5 d"},
		{"no duration", duration(0), "0 ms"},
		{"undefined duration", duration(math.NaN()), undefined},
		{"a value without an interval", withInterval(0.23, nil), "23 %"},
		{"a value with one", withInterval(0.23, &result.Interval{0.18, 0.27}), "23 % (18 to 27)"},
		{"half an interval is none", withInterval(0.23, &result.Interval{0.18, nan}), "23 %"},
		{"undefined with an interval", withInterval(nan, &result.Interval{0.18, 0.27}), undefined},
		{"points", points(0.0004, nil), "+0.040 pp"},
		{"points down", points(-0.002, &result.Interval{-0.003, -0.001}), "−0.20 pp (−0.30 to −0.10)"},
		{"what was set", trimmed("99.90"), "99.9"},
		{"what was set, whole", trimmed("250"), "250"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
}

// Whatever the number, a reader never sees NaN, Inf or an exponent.
func FuzzNumbers(f *testing.F) {
	for _, v := range []float64{0, 1, -1, 0.999, 1e-300, 1e300, math.NaN(), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v float64) {
		n := result.Number(v)
		for i, s := range []string{percent(n), goodShare(n), milliseconds(n), seconds(n), number(n), money(n), duration(v), points(n, nil)} {
			if s == "" || strings.ContainsAny(s, "NIe+") && !strings.HasPrefix(s, "+") {
				t.Errorf("format %d of %g: %q", i, v, s)
			}
		}
	})
}
