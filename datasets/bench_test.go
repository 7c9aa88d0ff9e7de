package datasets_test

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"
	"time"

	"hindcast.dev/datasets"
)

func BenchmarkReadCSV(b *testing.B) {
	const lines = 200_000
	start := at("2026-01-05T00:00:00Z")
	times := map[string]func(i int) string{
		"rfc3339": func(i int) string { return start.Add(time.Duration(i) * time.Minute).Format(time.RFC3339) },
		"seconds": func(i int) string { return strconv.FormatInt(start.Unix()+int64(i)*60, 10) },
		"no-zone": func(i int) string { return start.Add(time.Duration(i) * time.Minute).Format(time.DateTime) },
	}
	for _, name := range []string{"rfc3339", "seconds", "no-zone"} {
		b.Run(name, func(b *testing.B) {
			var text bytes.Buffer
			for i := range lines {
				fmt.Fprintf(&text, "%s,%g\n", times[name](i), float64(i%9973)/7)
			}
			b.SetBytes(int64(text.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := datasets.ReadCSV(bytes.NewReader(text.Bytes()), "x"); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

func BenchmarkWriteCSV(b *testing.B) {
	s := find(b, "shop").Generate(1)
	for b.Loop() {
		var out bytes.Buffer
		if err := datasets.WriteCSV(&out, s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResample(b *testing.B) {
	s := find(b, "shop").Generate(1)
	for b.Loop() {
		if _, err := datasets.Resample(s, time.Hour); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGenerate(b *testing.B) {
	s := find(b, "shop")
	b.ReportAllocs()
	for b.Loop() {
		s.Generate(1)
	}
}
