package importer_test

import (
	"encoding/csv"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"hindcast.dev/datasets/importer"
)

var nan = math.NaN()

// records reads a sample with the standard library, all of it at once.
func records(t *testing.T, src importer.Source, comma rune) [][]string {
	t.Helper()
	r, err := src.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := csv.NewReader(r)
	c.Comma, c.FieldsPerRecord, c.TrimLeadingSpace = comma, -1, true
	all, err := c.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func float(t *testing.T, field string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(strings.TrimSpace(field), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// byStep sums what rows say into steps from the first to the last one.
type byStep struct {
	seconds float64
	sums    map[int64]float64
}

func (b *byStep) add(at, v float64) {
	if b.sums == nil {
		b.sums = make(map[int64]float64)
	}
	b.sums[int64(math.Floor(at/b.seconds))] += v
}

func (b *byStep) check(t *testing.T, what string, res *importer.Result, values []float64) {
	t.Helper()
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range b.sums {
		low, high = min(low, i), max(high, i)
	}
	want := make([]float64, high-low+1)
	for i, v := range b.sums {
		want[i-low] = v / b.seconds
	}
	if got := float64(res.Start.UnixNano()) / 1e9; got != float64(low)*b.seconds {
		t.Errorf("%s: start %g, want %g", what, got, float64(low)*b.seconds)
	}
	equal(t, what, values, want)
}

func TestAzureFunctionsSamples(t *testing.T) {
	for _, name := range []string{"invocations_layout_1440_toy_values.csv", "invocations_real_minutes_480-959_head.csv"} {
		src := onDisk(t, "azure_functions_2019/"+name)
		rows := records(t, src, ',')
		all, http := byStep{seconds: 60}, byStep{seconds: 60}
		for _, row := range rows[1:] {
			for i, column := range rows[0] {
				minute, err := strconv.Atoi(column)
				if err != nil {
					continue
				}
				v := float(t, row[i])
				all.add(float64(minute-1)*60, v)
				if row[3] == "http" {
					http.add(float64(minute-1)*60, v)
				}
			}
		}
		res := mustImport(t, importer.Config{}, src)
		all.check(t, name, res, res.Values)
		if !res.Relative {
			t.Error("the trace has no dates")
		}
		if len(http.sums) == 0 {
			continue
		}
		res = mustImport(t, importer.Config{Select: []string{"trigger=http"}}, src)
		http.check(t, name+" http", res, res.Values)
	}
}

func TestAzureFunctionsDays(t *testing.T) {
	day := func(n, count int) importer.Source {
		var content, row strings.Builder
		content.WriteString("HashFunction,HashApp,HashOwner")
		row.WriteString("f,a,o")
		for m := 1440; m >= 1; m-- { // The order of columns does not matter.
			fmt.Fprintf(&content, ",minute_%d", m)
			fmt.Fprintf(&row, ",%d", count+m%2)
		}
		return text(fmt.Sprintf("invocations_per_function_md.anon.d%02d.csv", n), content.String()+"\n"+row.String()+"\n"+row.String()+"\n")
	}
	res := mustImport(t, importer.Config{Start: at("2019-07-15T00:00:00Z")}, day(3, 30), day(1, 10))
	if !res.Start.Equal(at("2019-07-15T00:00:00Z")) || res.Relative || len(res.Values) != 3*1440 {
		t.Fatalf("%d values from %v", len(res.Values), res.Start)
	}
	for i, want := range map[int]float64{0: 22, 1: 20, 1440: 0, 2880: 62, 4319: 60} {
		if got := res.Values[i] * 60; math.Abs(got-want) > 1e-9 {
			t.Errorf("minute %d: %g, want %g", i, got, want)
		}
	}
}

func TestEventSamples(t *testing.T) {
	unix := func(text string) float64 {
		when, err := time.Parse("2006-01-02 15:04:05", text)
		if err != nil {
			t.Fatal(err)
		}
		return float64(when.UnixNano()) / 1e9
	}
	for _, tc := range []struct {
		path   string
		step   time.Duration
		header int
		row    func(row []string) (at float64, values map[string]float64)
	}{
		{"azure_llm_2023/AzureLLMInferenceTrace_conv_head.csv", 10 * time.Second, 1, func(row []string) (float64, map[string]float64) {
			return unix(row[0]), map[string]float64{"": 1, "context_tokens": float(t, row[1]), "generated_tokens": float(t, row[2])}
		}},
		{"azure_llm_2023/AzureLLMInferenceTrace_code_head.csv", time.Second, 1, func(row []string) (float64, map[string]float64) {
			return unix(row[0]), map[string]float64{"": 1, "context_tokens": float(t, row[1]), "generated_tokens": float(t, row[2])}
		}},
		{"azure_functions_2021/Azure2021_200.csv", 20 * time.Second, 1, func(row []string) (float64, map[string]float64) {
			return float(t, row[2]) - float(t, row[3]), map[string]float64{"": 1, "duration_seconds": float(t, row[3])}
		}},
		{"alibaba_genai_2026/lora_request_trace_head.csv", time.Hour, 1, func(row []string) (float64, map[string]float64) {
			failed, took := 0.0, 0.0
			if row[2] != "SUCCEED" {
				failed = 1
			}
			if row[3] != "" {
				took = float(t, row[3])
			}
			return unix(row[0]), map[string]float64{"": 1, "duration_seconds": took, "errors": failed}
		}},
		{"worldcup98/invocation_count_head.csv", 5 * time.Minute, 1, func(row []string) (float64, map[string]float64) {
			return unix(row[0]), map[string]float64{"": float(t, row[1])}
		}},
		{"worldcup98/wc_day46_1.csv", time.Minute, 0, func(row []string) (float64, map[string]float64) {
			return unix(row[0] + ":00"), map[string]float64{"": float(t, row[1])}
		}},
	} {
		t.Run(tc.path, func(t *testing.T) {
			src := onDisk(t, tc.path)
			want := make(map[string]*byStep)
			for _, row := range records(t, src, ',')[tc.header:] {
				if len(row) < 2 {
					continue
				}
				at, values := tc.row(row)
				for name, v := range values {
					if want[name] == nil {
						want[name] = &byStep{seconds: tc.step.Seconds()}
					}
					want[name].add(at, v)
				}
			}
			res := mustImport(t, importer.Config{Step: tc.step}, src)
			for name, w := range want {
				w.check(t, "column "+name, res, column(t, res, name))
			}
		})
	}
}

// TestLevelSamples compares levels that lie on a grid with the rows as they stand.
func TestLevelSamples(t *testing.T) {
	t.Run("nab", func(t *testing.T) {
		src := onDisk(t, "nab/elb_request_count_8c0756.csv")
		res := mustImport(t, importer.Config{}, src)
		if res.Step != 5*time.Minute {
			t.Fatalf("step %v", res.Step)
		}
		want := make([]float64, len(res.Values))
		for i := range want {
			want[i] = nan
		}
		for _, row := range records(t, src, ',')[1:] {
			when, err := time.Parse(time.DateTime, row[0])
			if err != nil {
				t.Fatal(err)
			}
			want[when.Sub(res.Start)/res.Step] = float(t, row[1])
		}
		equal(t, "nab", res.Values, want)
	})
	t.Run("alibaba-mean", func(t *testing.T) {
		src := onDisk(t, "alibaba2018_machine_usage/machine_usage_day_3_grouped_10_seconds_head.csv")
		res := mustImport(t, importer.Config{}, src)
		if res.Step != 10*time.Second || res.Start.Unix() != 2*86400 || res.Unit != "percent" {
			t.Fatalf("step %v, start %v, unit %s", res.Step, res.Start, res.Unit)
		}
		var cpu, memory []float64
		for _, row := range records(t, src, ',')[1:] {
			cpu, memory = append(cpu, float(t, row[0])), append(memory, float(t, row[1]))
		}
		equal(t, "cpu", res.Values, cpu)
		equal(t, "memory", column(t, res, "memory_percent"), memory)
	})
	t.Run("bitbrains", func(t *testing.T) {
		// The times jitter, so that steps share samples, but the cores x seconds are all there.
		src := onDisk(t, "bitbrains_gwa_t12/bitbrains_vm_head.csv")
		res := mustImport(t, importer.Config{}, src)
		var area, last, before float64
		for i, row := range records(t, src, ';')[1:] {
			now := float(t, row[0])
			if i > 0 {
				area += before * min(now-last, 300)
			}
			last, before = now, float(t, row[3])/(float(t, row[2])/float(t, row[1]))
		}
		area += before * 300
		if got := sum(t, res, ""); math.Abs(got-area) > 0.002*area {
			t.Errorf("%g core seconds, want %g", got, area)
		}
		if res.Step != 5*time.Minute || res.Unit != "cores" {
			t.Errorf("step %v, unit %s", res.Step, res.Unit)
		}
	})
	t.Run("alibaba-genai", func(t *testing.T) {
		src := onDisk(t, "alibaba_genai_2026/qps_head.csv")
		res := mustImport(t, importer.Config{}, src)
		if res.Step != 57*time.Second {
			t.Fatalf("step %v", res.Step)
		}
		want := byStep{seconds: 1}
		for _, row := range records(t, src, ',')[1:] {
			want.add(float(t, row[0]), float(t, row[1]))
		}
		for i, v := range res.Values {
			w, ok := want.sums[res.Start.Unix()+int64(i)*57]
			if ok != !math.IsNaN(v) || ok && math.Abs(v-w) > 1e-9 {
				t.Errorf("step %d is %g, want %g", i, v, w)
			}
		}
	})
}

func TestBitbrainsSeveralMachines(t *testing.T) {
	const header = "Timestamp [ms];\tCPU cores;\tCPU capacity provisioned [MHZ];\tCPU usage [MHZ];\tCPU usage [%];\tMemory capacity provisioned [KB];\t" +
		"Memory usage [KB];\tDisk read throughput [KB/s];\tDisk write throughput [KB/s];\tNetwork received throughput [KB/s];\tNetwork transmitted throughput [KB/s]\n"
	machine := func(name string, first, n int, mhz int) importer.Source {
		var content strings.Builder
		content.WriteString(header)
		for i := first; i < first+n; i++ {
			fmt.Fprintf(&content, "%d;\t4;\t8000;\t%d;\t0;\t0;\t2;\t0;\t1;\t2;\t3\n", epoch+300*i, mhz)
		}
		return text(name, content.String())
	}
	// One runs all the time, one for a part of it.
	res := mustImport(t, importer.Config{}, machine("1.csv", 0, 6, 2000), machine("2.csv", 2, 2, 3000))
	equal(t, "cores", res.Values, []float64{1, 1, 2.5, 2.5, 1, 1})
	equal(t, "memory", column(t, res, "memory_bytes"), []float64{2048, 2048, 4096, 4096, 2048, 2048})
	res = mustImport(t, importer.Config{Step: 15 * time.Minute}, machine("1.csv", 1, 6, 2000), machine("2.csv", 4, 3, 3000))
	equal(t, "quarters", res.Values, []float64{1, 2.5})
	// Materna has the same with German dates.
	var materna strings.Builder
	materna.WriteString(strings.ReplaceAll(header, "Timestamp [ms]", "Timestamp"))
	for i := range 3 {
		fmt.Fprintf(&materna, "04.11.2015 18:%02d:00;\t2;\t4000;\t1000;\t0;\t0;\t0;\t0;\t1;\t2;\t3\n", 5*i)
	}
	res = mustImport(t, importer.Config{Location: time.FixedZone("", 3600)}, text("m", materna.String()))
	equal(t, "materna", res.Values, []float64{0.5, 0.5, 0.5})
	if !res.Start.Equal(at("2015-11-04T17:00:00Z")) {
		t.Errorf("start %v", res.Start)
	}
}

func TestAlibabaMeans(t *testing.T) {
	machine := "m_1,0,30,80,,,40.5,30.5,5\nm_2,0,50,90,,,40.5,30.5,101\nm_1,10,20,80,,,40.5,30.5,-1\nm_2,10,40,90,,,40.5,30.5,7\nm_2,20,60,,,,40.5,30.5,7\n"
	res := mustImport(t, importer.Config{}, text("machine_usage.csv", machine))
	equal(t, "cpu", res.Values, []float64{40, 30, 60})
	equal(t, "memory", column(t, res, "memory_percent"), []float64{85, 85, nan})
	equal(t, "disk", column(t, res, "disk_percent"), []float64{5, 7, 7})
	equal(t, "one", mustImport(t, importer.Config{Select: []string{"machine_id=m_1"}}, text("m", machine)).Values, []float64{30, 20})
	equal(t, "memory as load", mustImport(t, importer.Config{Column: "memory_percent"}, text("m", machine)).Values, []float64{85, 85, nan})

	container := "container_id,machine_id,time_stamp,cpu_util_percent,mem_util_percent,cpi,mem_gps,mpki,net_in,net_out,disk_io_percent\n" +
		"c_1,m_1,0,30,80,1.5,2.5,1,40.5,30.5,5\nc_2,m_1,0,60,80,1.5,2.5,1,40.5,30.5,5\nc_1,m_1,10,10,80,,,,,,\nc_2,m_1,10,80,,1.5,2.5,1,40.5,30.5,5\nc_2,m_1,20,x,,1.5,2.5,1,40.5,30.5,5\n"
	res = mustImport(t, importer.Config{}, text("container_usage.csv", container))
	equal(t, "containers", res.Values, []float64{45, 45})
	if r := res.Report; r.Malformed != 1 || r.Faults[0].Line != 6 || r.Faults[0].Why != "the CPU is no number" {
		t.Errorf("%+v", r)
	}
	// Sorted by container instead of by time.
	sorted := "c_1,m_1,0,30,80,1.5,2.5,1,40.5,30.5,5\nc_1,m_1,10,10,80,,,,,,\nc_2,m_1,0,60,80,1.5,2.5,1,40.5,30.5,5\nc_2,m_1,10,80,,1.5,2.5,1,40.5,30.5,5\n"
	equal(t, "sorted otherwise", mustImport(t, importer.Config{}, text("c", sorted)).Values, []float64{45, 45})
}

func TestAlibabaMicroservices(t *testing.T) {
	content := ",timestamp,msname,msinstanceid,metric,value\n0,0,a,1,HTTP_MCR,2.5\n1,0,a,1,providerRPC_MCR,1\n2,0,a,1,consumerRPC_MCR,100\n3,0,a,2,HTTP_MCR,3\n4,0,b,1,HTTP_MCR,50\n5,60000,a,1,HTTP_MCR,4\n6,60000,a,2,HTTP_RT,9\n"
	res := mustImport(t, importer.Config{Select: []string{"msname=a"}}, text("MSRTQps_0.csv", content))
	equal(t, "calls", res.Values, []float64{6.5, 4})
	if res.Report.Skipped != 4 { // the header, two metrics and b
		t.Errorf("%+v", res.Report)
	}
}

func TestBurstGPT(t *testing.T) {
	res := mustImport(t, importer.Config{Start: at("2023-10-01T00:00:00Z")}, text("BurstGPT_1.csv", detectable()["burstgpt"]))
	if !res.Start.Equal(at("2023-10-01T00:00:00Z")) {
		t.Errorf("start %v", res.Start)
	}
	equal(t, "requests", res.Values, []float64{2. / 60, 1. / 60})
	equal(t, "in", column(t, res, "request_tokens"), []float64{1559. / 60, 417. / 60})
	equal(t, "out", column(t, res, "response_tokens"), []float64{248. / 60, 0})
	equal(t, "errors", column(t, res, "errors"), []float64{0, 1. / 60})
	later := "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,1,0.5,ChatGPT,472,18,490,\"Conversation, log\"\n65,1,0.5,GPT-4,1,1,2,API log\n"
	equal(t, "of 2024", mustImport(t, importer.Config{Select: []string{"model=~.*"}}, text("BurstGPT_3.csv", later)).Values, []float64{1. / 60, 1. / 60})
}

func TestAzureVM(t *testing.T) {
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	res := mustImport(t, importer.Config{}, text("vm_cpu_readings-file-1-of-125.csv", "0,"+a+",1,5,2\n0,"+b+",1,9,4\n300,"+a+",1,5,2.5\n600,"+a+",1,5,3\n"))
	equal(t, "cpu", res.Values, []float64{3, 2.5, 3})
	equal(t, "max", column(t, res, "cpu_percent_max"), []float64{7, 5, 5})
}

// TestNABOutOfOrder has values out of order, one twice, and one off the grid.
func TestNABOutOfOrder(t *testing.T) {
	content := "timestamp,value\n2014-04-10 00:00:00,1\n2014-04-10 00:10:00,3\n2014-04-10 00:05:00,2\n2014-04-10 00:15:00,4\n2014-04-10 00:15:00,9\n2014-04-10 00:20:00,5\n2014-04-10 00:30:00,7\n"
	res := mustImport(t, importer.Config{}, text("n.csv", content))
	equal(t, "levels", res.Values, []float64{1, 2, 3, 4, 5, nan, 7})
	if r := res.Report; r.Malformed != 1 || r.Faults[0].Line != 6 {
		t.Errorf("%+v", r)
	}
	// More than 16 values late is too late.
	var late strings.Builder
	late.WriteString("timestamp,value\n")
	for i := range 40 {
		fmt.Fprintf(&late, "%d,1\n", epoch+60*(i+1))
	}
	res = mustImport(t, importer.Config{}, text("n.csv", late.String()+fmt.Sprintf("%d,1\n", epoch)))
	if r := res.Report; r.Malformed != 1 || r.Faults[0].Line != 42 || !strings.Contains(r.Faults[0].Why, "too far before") {
		t.Errorf("%+v", r)
	}
}

// TestNABTimeZone has one value every five minutes by the clock of Berlin, over both
// changes of the clock.
func TestNABTimeZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, start := range []string{"2026-03-28T20:00:00Z", "2026-10-24T20:00:00Z"} {
		var b strings.Builder
		var want []float64
		b.WriteString("timestamp,value\n")
		for i := range 150 {
			fmt.Fprintf(&b, "%s,%d\n", at(start).Add(time.Duration(i)*5*time.Minute).In(berlin).Format(time.DateTime), i)
			want = append(want, float64(i))
		}
		res := mustImport(t, importer.Config{Location: berlin}, text("n.csv", b.String()))
		equal(t, start, res.Values, want)
		if !res.Start.Equal(at(start)) || res.Report.Malformed > 0 {
			t.Errorf("start %v, %+v", res.Start, res.Report)
		}
	}
}

func TestCSVFaults(t *testing.T) {
	refused(t, importer.Config{Format: "azure-llm"}, "x:1: the header has no column contexttokens", text("x", "timestamp,tokens\n1,2\n"))
	refused(t, importer.Config{Select: []string{"tirgger=http"}}, `has no column "tirgger"; did you mean "trigger"?`, text("x", detectable()["azure-functions"]))
	refused(t, importer.Config{Step: time.Hour}, "everything is within one step of 1h0m0s", text("x", detectable()["azure-llm"]))
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	refused(t, importer.Config{}, "everything is within one step of 5m0s", text("x", "0,"+a+",1,5,2\n0,"+b+",1,9,4\n"))
	refused(t, importer.Config{Format: "nab"}, "within one step of 1m0s from 2014-04-10T00:00:00Z; lines that are malformed: 1, such as x:3: the value is no number",
		text("x", "timestamp,value\n2014-04-10 00:00:00,5\n2014-04-10 00:05:00,x\n"))
	refused(t, importer.Config{Step: time.Nanosecond}, "step 1ns is not between", text("x", detectable()["azure-llm"]))
	res := mustImport(t, importer.Config{}, text("x", detectable()["azure-llm"]+"2023-11-16 18:18:04.0319600,3180\n2023-11-16 18:18:04.03,-1,5\nyesterday,1,5\n"))
	if r := res.Report; r.Malformed != 3 || r.Faults[0].Line != 4 || r.Faults[1].Line != 5 || r.Faults[2].Line != 6 {
		t.Errorf("%+v", r)
	}
}

// What the first row counts its time from, all do.
func TestDatesAmongNumbers(t *testing.T) {
	for first, other := range map[string]string{"2014-04-10 00:0%d:00,9\n": "300,9\n", "%d0,9\n": "2014-04-10 00:00:00,9\n", "139710240%d,9\n": "300,9\n"} {
		content := []byte("timestamp,value\n")
		for i := range 5 {
			content = fmt.Appendf(content, first, i)
		}
		res := mustImport(t, importer.Config{Format: "nab", MaxMalformed: 0.5}, text("x", string(content)+other))
		if r := res.Report; r.Malformed != 1 || r.Accepted != 5 || r.Faults[0].Line != 7 || !strings.Contains(r.Faults[0].Why, "since an unknown origin") || res.Relative != (first[0] == '%') {
			t.Errorf("%q after %q: relative %v, %+v", other, first, res.Relative, r)
		}
	}
}

// A wrong date must not become millions of steps.
func TestWrongDate(t *testing.T) {
	content := detectable()["azure-llm"] + "2199-11-16 18:18:05,1,1\n"
	refused(t, importer.Config{Step: time.Second}, "the recording spans", text("x", content))
}

func FuzzAzureFunctions(f *testing.F)     { fuzzCSV(f, "azure-functions") }
func FuzzAzureFunctions2021(f *testing.F) { fuzzCSV(f, "azure-functions-2021") }
func FuzzAzureLLM(f *testing.F)           { fuzzCSV(f, "azure-llm") }
func FuzzAzureVM(f *testing.F)            { fuzzCSV(f, "azure-vm") }
func FuzzAlibabaMachine(f *testing.F)     { fuzzCSV(f, "alibaba-machine") }
func FuzzAlibabaContainer(f *testing.F)   { fuzzCSV(f, "alibaba-container") }
func FuzzAlibabaMean(f *testing.F)        { fuzzCSV(f, "alibaba-mean") }
func FuzzAlibabaServices(f *testing.F)    { fuzzCSV(f, "alibaba-microservices") }
func FuzzAlibabaGenAI(f *testing.F)       { fuzzCSV(f, "alibaba-genai") }
func FuzzAlibabaLoRA(f *testing.F)        { fuzzCSV(f, "alibaba-lora") }
func FuzzBurstGPT(f *testing.F)           { fuzzCSV(f, "burstgpt") }
func FuzzBitbrains(f *testing.F)          { fuzzCSV(f, "bitbrains") }
func FuzzCounts(f *testing.F)             { fuzzCSV(f, "counts") }
func FuzzNAB(f *testing.F)                { fuzzCSV(f, "nab") }

// fuzzCSV fuzzes a format from its sample.
func fuzzCSV(f *testing.F, format string) {
	content := detectable()[format]
	f.Add([]byte(content))
	f.Add([]byte(strings.ReplaceAll(content, "1", "1e3")))
	f.Add([]byte(content + strings.ReplaceAll(content, "0", "\"0\"")))
	f.Fuzz(func(t *testing.T, data []byte) { fuzz(t, format, data) })
}

// Nor must a level that holds for half a century, or a step too short for the recording.
func TestTooManySteps(t *testing.T) {
	refused(t, importer.Config{}, "has more than 24000000 values in steps of 1m0s", text("m", "a_total 1 0\na_total 2 1700000000\n"))
	refused(t, importer.Config{Step: time.Millisecond}, "steps of 1ms from 2014-04-10T00:04:00Z", text("x", detectable()["nab"]+"2014-05-10 00:04:00,3\n2014-06-10 00:04:00,3\n"))
}
