package importer

import (
	"bytes"
	"math"
	"path/filepath"
	"regexp"
)

const badLevel why = "the CPU is no number"

// percentages reads fields as percent; what is not between 0 and 100, such as the -1
// and 101 that mark faulty readings of disks, is a gap.
func (r *csvRow) percentages(first int) {
	for i := range r.out {
		v, ok := r.float(first + i)
		if !ok || v < 0 || v > 100 {
			v = math.NaN()
		}
		r.out[i] = v
	}
}

// alibabaMachine is machine_usage.csv of the cluster trace of 2018: no header, a row a
// machine and ten seconds. The mean over the machines is imported.
func alibabaMachine() Format {
	f := alibabaUsage(Format{Name: "alibaba-machine", Title: "Alibaba cluster trace 2018, machine_usage.csv: mean over machines"},
		[]string{"machine_id", "time_stamp", "cpu_util_percent", "mem_util_percent", "mem_gps", "mkpi",
			"net_in", "net_out", "disk_io_percent"})
	f.detect = rowsOf("m_", 9, "machine_id", "time_stamp")
	return f
}

// alibabaContainer is container_usage.csv of the cluster trace of 2018: no header, a row
// a container and time. The mean over the containers is imported; select
// those of one machine or of one container.
func alibabaContainer() Format {
	f := alibabaUsage(Format{Name: "alibaba-container", Title: "Alibaba cluster trace 2018, container_usage.csv: mean over containers"},
		[]string{"container_id", "machine_id", "time_stamp", "cpu_util_percent", "mem_util_percent", "cpi",
			"mem_gps", "mpki", "net_in", "net_out", "disk_io_percent"})
	f.detect = rowsOf("c_", 11, "container_id", "time_stamp")
	return f
}

// alibabaUsage is a table of percentages of the trace of 2018, whose columns without a
// header are in the given order, the id of the series first.
func alibabaUsage(f Format, order []string) Format {
	f.unordered = true
	return csvFormat(f, func() csvSpec {
		return csvSpec{
			separator: ',', order: order, series: order[:1], nominal: 10 * second,
			names: []string{order[0], "time_stamp", "cpu_util_percent", "mem_util_percent", "net_in?", "net_out?", "disk_io_percent?"},
			columns: []column{
				{name: "cpu_percent", kind: mean}, {name: "memory_percent", kind: mean},
				{name: "network_receive_percent", kind: mean}, {name: "network_transmit_percent", kind: mean}, {name: "disk_percent", kind: mean},
			},
			row: func(r *csvRow) why {
				if w := r.undatedTime(r.field(1), second); w != "" {
					return w
				}
				if r.percentages(2); math.IsNaN(r.out[0]) {
					return badLevel
				}
				return ""
			},
		}
	})
}

// rowsOf recognises rows without a header by the beginning of an id and the number of
// fields, or a header by its first names.
func rowsOf(id string, fields int, header ...string) func(sample) bool {
	return func(h sample) bool {
		if len(h.lines) == 0 {
			return false
		}
		first := split(nil, h.lines[0], ',')
		named := len(first) == fields
		for _, want := range header {
			found := false
			for _, f := range first {
				found = found || string(f) == want
			}
			named = named && found
		}
		return named || h.most(func(line []byte) bool {
			f := split(nil, line, ',')
			return len(f) == fields && bytes.HasPrefix(f[0], []byte(id))
		})
	}
}

// alibabaMean is the mean over all machines every 10 s that is in circulation
// (DataCenter-Traces-Datasets): a header and no times, so that a row is a step; the day
// and the step are in the name of the file, machine_usage_day_3_grouped_10_seconds.csv.
func alibabaMean() Format {
	return csvFormat(Format{Name: "alibaba-mean", Title: "Alibaba cluster trace 2018, mean over the machines, rows without times"}, func() csvSpec {
		var begin, step int64
		return csvSpec{
			separator: ',',
			names:     []string{"cpu_util_percent", "mem_util_percent", "net_in?", "net_out?", "disk_io_percent?"},
			nominal:   10 * second,
			columns: []column{
				{name: "cpu_percent", kind: mean}, {name: "memory_percent", kind: mean},
				{name: "network_receive_percent", kind: mean}, {name: "network_transmit_percent", kind: mean}, {name: "disk_percent", kind: mean},
			},
			header: func(r *csvRow, _ []string) error {
				begin, step = 0, 10*second
				name := filepath.Base(r.file)
				if m := meanDay.FindStringSubmatch(name); m != nil {
					n, _ := digits([]byte(m[1]))
					begin = max(0, n-1) * 86400 * second
				}
				if m := meanStep.FindStringSubmatch(name); m != nil {
					n, _ := digits([]byte(m[1]))
					step = max(1, n) * second
				}
				r.nominal = step
				r.undated = true
				return nil
			},
			row: func(r *csvRow) why {
				// The line, not the row: a malformed one leaves a gap and moves nothing.
				r.at = begin + (r.line-2)*step
				if r.percentages(0); math.IsNaN(r.out[0]) {
					return badLevel
				}
				return ""
			},
		}
	})
}

var (
	meanDay  = regexp.MustCompile(`day_(\d{1,2})`)
	meanStep = regexp.MustCompile(`(\d{1,4})_seconds`)
)

// alibabaMicroservices is MSRTQps of the microservice trace of 2021: a row an instance,
// a minute and a metric. The calls a second of all instances are added up: those received by
// RPC and HTTP, and messages consumed.
func alibabaMicroservices() Format {
	return csvFormat(Format{Name: "alibaba-microservices", Title: "Alibaba microservices 2021, MSRTQps: calls received", unordered: true}, func() csvSpec {
		return csvSpec{
			separator: ',',
			names:     []string{"timestamp", "msname", "msinstanceid", "metric|metrics", "value"},
			series:    []string{"msname", "msinstanceid", "metric|metrics"},
			nominal:   60 * second,
			columns:   []column{{name: "requests_per_second", kind: total}},
			row: func(r *csvRow) why {
				if w := r.undatedTime(r.field(0), second/1000); w != "" {
					return w
				}
				switch string(r.field(3)) {
				case "providerRPC_MCR", "HTTP_MCR", "consumerMQ_MCR", "http_mcr", "providerrpc_mcr", "consumermq_mcr":
				default:
					return skipped
				}
				v, ok := r.float(4)
				r.out[0] = v
				return positive(v, ok, "the value is no number of at least 0")
			},
		}
	})
}

// alibabaGenAI is qps.csv of the trace of 2026: the requests a second of every container,
// 57 s apart. Those of all containers and types are added up.
func alibabaGenAI() Format {
	return csvFormat(Format{Name: "alibaba-genai", Title: "Alibaba GenAI 2026, qps.csv: requests a second by container", unordered: true}, func() csvSpec {
		return csvSpec{
			separator: ',',
			names:     []string{"timestamp_anon", "value", "container_ip", "request_type"},
			series:    []string{"container_ip", "request_type"},
			nominal:   57 * second,
			columns:   []column{{name: "requests_per_second", kind: total}},
			row: func(r *csvRow) why {
				at, w := unix(r.field(0))
				if w != "" {
					return w
				}
				v, ok := r.float(1)
				r.at, r.out[0] = at, v
				return positive(v, ok, "the value is no number of at least 0")
			},
		}
	})
}

// alibabaLoRA is lora_request_trace.csv of the trace of 2026: a row a request with a
// date without a zone and the seconds of a GPU that it took.
func alibabaLoRA() Format {
	return csvFormat(Format{Name: "alibaba-lora", Title: "Alibaba GenAI 2026, lora_request_trace.csv: a row a request"}, func() csvSpec {
		return csvSpec{
			separator: ',',
			names:     []string{"gmt_create", "predict_status", "exec_time_seconds"},
			columns:   []column{{name: "requests", kind: rate}, {name: "duration_seconds", kind: rate}, {name: "errors", kind: rate}},
			row: func(r *csvRow) why {
				at, w := r.zone.parse(r.field(0))
				if w != "" {
					return w
				}
				r.at = at
				r.out[0], r.out[1], r.out[2] = 1, 0, 0
				if v, ok := r.float(2); ok && v >= 0 {
					r.out[1] = v
				}
				if string(r.field(1)) != "SUCCEED" {
					r.out[2] = 1
				}
				return ""
			},
		}
	})
}
