package importer_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hindcast.dev/datasets"
	"hindcast.dev/datasets/importer"
)

// text is a source in memory.
func text(name, content string) importer.Source {
	return importer.Source{Name: name, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(content)), nil
	}}
}

// onDisk is one of the shared samples; where they are missing the test is skipped, and in
// CI it fails.
func onDisk(t testing.TB, path string) importer.Source {
	t.Helper()
	full := filepath.Join("../../../shared/data/raw", path)
	if _, err := os.Stat(full); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("samples of the formats are missing: %v", err)
		}
		t.Skipf("samples of the formats are missing: %v", err)
	}
	return importer.Source{Name: full, Open: func() (io.ReadCloser, error) { return os.Open(full) }}
}

func zipped(t testing.TB, content string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func mustImport(t testing.TB, cfg importer.Config, sources ...importer.Source) *importer.Result {
	t.Helper()
	res, err := importer.Import(sources, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if r := res.Report; r.Lines != r.Accepted+r.Skipped+r.Malformed {
		t.Errorf("%d lines, but %d accepted, %d skipped and %d malformed", r.Lines, r.Accepted, r.Skipped, r.Malformed)
	}
	return res
}

// refused checks that an import fails with a message that has all parts.
func refused(t *testing.T, cfg importer.Config, want string, sources ...importer.Source) {
	t.Helper()
	_, err := importer.Import(sources, cfg)
	if err == nil {
		t.Fatalf("no error, want %s", want)
	}
	if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q, want one line with %q", err, want)
	}
}

// column returns the values of a column, the load for "".
func column(t testing.TB, res *importer.Result, name string) []float64 {
	t.Helper()
	if name == "" {
		return res.Values
	}
	for _, c := range res.Columns {
		if c.Name == name {
			return c.Values
		}
	}
	t.Fatalf("no column %s", name)
	return nil
}

// sum returns the events of a column over all steps.
func sum(t testing.TB, res *importer.Result, name string) float64 {
	t.Helper()
	n := 0.0
	for _, v := range column(t, res, name) {
		if !math.IsNaN(v) {
			n += v * res.Step.Seconds()
		}
	}
	return n
}

// equal compares values with NaN equal to itself, up to rounding.
func equal(t testing.TB, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d\n%v\n%v", what, len(got), len(want), head(got), head(want))
	}
	for i := range got {
		if math.IsNaN(got[i]) != math.IsNaN(want[i]) || math.Abs(got[i]-want[i]) > 1e-9*(1+math.Abs(want[i])) {
			t.Fatalf("%s: value %d is %g, want %g", what, i, got[i], want[i])
		}
	}
}

func head(v []float64) []float64 { return v[:min(len(v), 20)] }

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// readsBack checks that what was imported is a load that hindcast reads.
func readsBack(t testing.TB, res *importer.Result) {
	t.Helper()
	var b bytes.Buffer
	if err := datasets.WriteTable(&b, res.Table); err != nil {
		t.Fatal(err)
	}
	if len(res.Values) > 20_000 || datasets.Stats(res.Series).Missing == len(res.Values) {
		return
	}
	s, err := datasets.ReadCSV(bytes.NewReader(b.Bytes()), "x")
	if err != nil {
		t.Fatalf("%v\n%.500s", err, b.String())
	}
	if !s.Start.Equal(res.Start) || s.Step != res.Step || s.Relative != res.Relative {
		t.Fatalf("from %v every %v, relative %v; read back from %v every %v, relative %v", res.Start, res.Step, res.Relative, s.Start, s.Step, s.Relative)
	}
	equal(t, "read back", s.Values, res.Values)
}

// fuzz checks what must hold for any file of a format.
func fuzz(t *testing.T, format string, data []byte) {
	t.Helper()
	res, err := importer.Import([]importer.Source{text("fuzz", string(data))}, importer.Config{Format: format, MaxMalformed: 1, MaxValues: 50_000})
	if err != nil {
		var parse *datasets.ParseError
		if !errors.As(err, &parse) && !strings.Contains(err.Error(), "select") || strings.Contains(err.Error(), "\n") {
			t.Fatalf("not a one-line ParseError: %q", err)
		}
		return
	}
	r := res.Report
	if r.Lines != r.Accepted+r.Skipped+r.Malformed || r.Accepted == 0 {
		t.Fatalf("lines do not add up: %+v", r)
	}
	if r.Malformed > 0 && len(r.Faults) == 0 {
		t.Fatal("malformed lines and no fault")
	}
	for _, f := range r.Faults {
		if strings.Contains(f.String(), "\n") {
			t.Fatalf("a fault of several lines: %q", f)
		}
	}
	for _, c := range append([]datasets.Column{{Name: "load", Values: res.Values}}, res.Columns...) {
		for i, v := range c.Values {
			if v < 0 || math.IsInf(v, 0) {
				t.Fatalf("%s: value %d is %g", c.Name, i, v)
			}
		}
	}
	if len(res.Values) < 2 {
		t.Fatalf("%d values", len(res.Values))
	}
	readsBack(t, res)
}

func TestFormatsAreDetected(t *testing.T) {
	for _, tc := range []struct{ path, want string }{
		{"access_log/apache_combined.log", "access-log"},
		{"access_log/apache_common_cut_from_combined.log", "access-log"},
		{"alibaba2018_machine_usage/machine_usage_day_3_grouped_10_seconds_head.csv", "alibaba-mean"},
		{"alibaba_genai_2026/lora_request_trace_head.csv", "alibaba-lora"},
		{"alibaba_genai_2026/qps_head.csv", "alibaba-genai"},
		{"azure_functions_2019/invocations_layout_1440_toy_values.csv", "azure-functions"},
		{"azure_functions_2019/invocations_real_minutes_480-959_head.csv", "azure-functions"},
		{"azure_functions_2021/Azure2021_200.csv", "azure-functions-2021"},
		{"azure_llm_2023/AzureLLMInferenceTrace_code_head.csv", "azure-llm"},
		{"bitbrains_gwa_t12/bitbrains_vm_head.csv", "bitbrains"},
		{"nab/elb_request_count_8c0756.csv", "nab"},
		{"worldcup98/invocation_count_head.csv", "counts"},
		{"worldcup98/wc_day46_1.csv", "counts"},
	} {
		t.Run(tc.path, func(t *testing.T) {
			res := mustImport(t, importer.Config{}, onDisk(t, tc.path))
			if res.Report.Format != tc.want {
				t.Errorf("read as %s, want %s", res.Report.Format, tc.want)
			}
			if res.Report.Malformed > 0 {
				t.Errorf("%d malformed lines, the first %v", res.Report.Malformed, res.Report.Faults)
			}
			readsBack(t, res)
		})
	}
}

// detectable has a few lines of every format.
func detectable() map[string]string {
	var machine, container strings.Builder
	for i := range 4 {
		fmt.Fprintf(&machine, "m_%d,%d,30,80,,,40.5,30.5,5\n", i%2+1, 10*(i/2))
		fmt.Fprintf(&container, "c_%d,m_1,%d,30,80,1.5,2.5,1,40.5,30.5,5\n", i%2+1, 10*(i/2))
	}
	vm := strings.Repeat("x", 64)
	const minutes = "HashOwner,HashApp,HashFunction,Trigger,1,2,3,4,5,6,7,8,9,10,11,12"
	const counts = "o,a,f,http,0,1,2,3,4,5,6,7,8,9,10,11"
	return map[string]string{
		"access-log": `1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 12 "-" "agent" 0.012` + "\n" +
			`1.2.3.4 - - [17/May/2015:10:06:03 +0000] "GET / HTTP/1.1" 503 - "-" "agent" 1.512` + "\n",
		"openmetrics":           "# TYPE a counter\na_total{code=\"200\"} 1 1700000000\na_total{code=\"200\"} 61 1700000060\na_total{code=\"200\"} 61 1700000120\n# EOF\n",
		"worldcup98":            worldCupRecords(894_000_000, 894_000_001, 894_000_100),
		"azure-functions":       minutes + "\n" + counts + "\n",
		"azure-functions-2021":  "app,func,end_timestamp,duration\na,f,10.5,1.25\na,f,100.5,0.25\n",
		"azure-llm":             "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:17:03.9799600,4808,10\r\n2023-11-16 18:18:04.0319600,3180,8\r\n",
		"azure-vm":              "0," + vm + ",1,3,2\n300," + vm + ",1,3,2.5\n",
		"alibaba-machine":       machine.String(),
		"alibaba-container":     container.String(),
		"alibaba-mean":          "cpu_util_percent,mem_util_percent,net_in,net_out,disk_io_percent\n29.5,88,37,29,4\n30.5,88,37,29,4\n",
		"alibaba-microservices": "timestamp,msname,msinstanceid,metric,value\n0,a,1,HTTP_MCR,2.5\n0,a,1,HTTP_RT,9\n60000,a,1,HTTP_MCR,3\n",
		"alibaba-genai":         "timestamp_anon,value,container_ip,request_type\n1662859176.0,0.09,,API Requests\n1662859233.0,0.18,,API Requests\n",
		"alibaba-lora": "gmt_create,predict_type,predict_status,exec_time_seconds,groupId\n2024-11-15 16:57:50,TXT_2_IMG,SUCCEED,32.0,G0\n" +
			"2024-11-15 16:58:50,TXT_2_IMG,FAILED,,G0\n",
		"burstgpt": "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n" +
			"45,ChatGPT,1087,230,1317,Conversation log\n118,GPT-4,417,0,417,Conversation log\n",
		"bitbrains": "Timestamp [ms];\tCPU cores;\tCPU capacity provisioned [MHZ];\tCPU usage [MHZ];\tCPU usage [%];\tMemory capacity provisioned [KB];\t" +
			"Memory usage [KB];\tDisk read throughput [KB/s];\tDisk write throughput [KB/s];\tNetwork received throughput [KB/s];\tNetwork transmitted throughput [KB/s]\n" +
			"1376314846;\t4;\t10400;\t5200;\t50;\t2097152;\t100;\t0;\t1;\t2;\t3\n1376315146;\t4;\t10400;\t2600;\t25;\t2097152;\t200;\t0;\t1;\t2;\t3\n",
		"counts": "period,count\n1998-04-30 21:30:00,2\n1998-04-30 21:31:00,11\n",
		"nab":    "timestamp,value\n2014-04-10 00:04:00,94.0\n2014-04-10 00:09:00,56.0\n2014-04-10 00:14:00,\n2014-04-10 00:19:00,5\n",
	}
}

func TestEveryFormatIsDetected(t *testing.T) {
	samples := detectable()
	for _, f := range importer.Formats() {
		t.Run(f.Name, func(t *testing.T) {
			content, ok := samples[f.Name]
			if !ok {
				t.Fatal("no sample")
			}
			res := mustImport(t, importer.Config{}, text("sample", content))
			if res.Report.Format != f.Name {
				t.Errorf("read as %s", res.Report.Format)
			}
			if res.Report.Malformed > 0 {
				t.Errorf("malformed: %v", res.Report.Faults)
			}
			readsBack(t, res)
			again := mustImport(t, importer.Config{}, text("sample.gz", zipped(t, content)))
			equal(t, "gzip", again.Values, res.Values)
		})
	}
	if len(samples) != len(importer.Formats()) {
		t.Error("a sample has no format")
	}
}
