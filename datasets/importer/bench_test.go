package importer_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"hindcast.dev/datasets/importer"
)

// benchLog is a log like that of scripts/accesslog.
func benchLog(lines int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	start := at("2026-03-01T00:00:00Z")
	for i := range lines {
		fmt.Fprintf(&b, `203.0.113.%d - - [%s] "GET /shop/items/%d?sort=price&page=2 HTTP/1.1" %d %d "https://shop.example.org/" `+
			`"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36" %.3f`+"\n",
			rng.IntN(256), start.Add(time.Duration(i/20-rng.IntN(4))*time.Second).Format("02/Jan/2006:15:04:05 -0700"), rng.IntN(1e6),
			[]int{200, 200, 200, 304, 404, 503}[rng.IntN(6)], rng.IntN(100_000), rng.ExpFloat64()/5)
	}
	return b.Bytes()
}

func benchImport(b *testing.B, cfg importer.Config, content []byte, lines int) {
	b.Helper()
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		src := importer.Source{Name: "bench", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
		if _, err := importer.Import([]importer.Source{src}, cfg); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

func BenchmarkAccessLog(b *testing.B) {
	const lines = 150_000
	content := benchLog(lines)
	b.Run("combined", func(b *testing.B) { benchImport(b, importer.Config{}, content, lines) })
	b.Run("without times", func(b *testing.B) { benchImport(b, importer.Config{Duration: "none"}, content, lines) })
	b.Run("select", func(b *testing.B) {
		benchImport(b, importer.Config{Select: []string{"path!~/health.*"}}, content, lines)
	})
}

func BenchmarkOpenMetrics(b *testing.B) {
	const series, times = 50, 2000
	var content bytes.Buffer
	for s := range series {
		for i := range times {
			fmt.Fprintf(&content, "http_requests_total{code=\"200\",instance=\"10.0.0.%d:8080\",job=\"shop\"} %d %d\n", s, i*s, 1_770_000_000+15*i)
		}
	}
	benchImport(b, importer.Config{}, content.Bytes(), series*times)
}

func BenchmarkAzureLLM(b *testing.B) {
	const lines = 100_000
	content := bytes.NewBufferString("TIMESTAMP,ContextTokens,GeneratedTokens\n")
	start := at("2023-11-16T18:15:00Z")
	for i := range lines {
		fmt.Fprintf(content, "%s,%d,%d\n", start.Add(time.Duration(i)*100*time.Millisecond).Format("2006-01-02 15:04:05.0000000"), i%5000, i%700)
	}
	benchImport(b, importer.Config{}, content.Bytes(), lines)
}

// TestImportAllocatesNothingALine holds the streams to it: ten times the lines are no more
// allocations, save those of the table.
func TestImportAllocatesNothingALine(t *testing.T) {
	few, many := benchLog(2000), benchLog(20_000)
	allocs := func(content []byte) float64 {
		return testing.AllocsPerRun(3, func() {
			src := importer.Source{Name: "log", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
			if _, err := importer.Import([]importer.Source{src}, importer.Config{}); err != nil {
				t.Fatal(err)
			}
		})
	}
	if a, b := allocs(few), allocs(many); b > a+20 {
		t.Errorf("%g allocations for 2,000 lines, %g for 20,000", a, b)
	}
}
