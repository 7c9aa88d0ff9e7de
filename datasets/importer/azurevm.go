package importer

// azureVM is the trace of virtual machines of 2017 and 2019 (Cortez et al., 2017): no
// header, a row a machine and five minutes with the least, greatest and mean CPU in
// percent. The mean over the machines is imported.
func azureVM() Format {
	f := csvFormat(Format{Name: "azure-vm", Title: "Azure VM 2017 and 2019, vm_cpu_readings: mean over machines", unordered: true}, func() csvSpec {
		return csvSpec{
			separator: ',',
			order:     []string{"timestamp", "vm id", "min cpu", "max cpu", "avg cpu"},
			names:     []string{"timestamp", "vm id", "max cpu", "avg cpu"},
			series:    []string{"vm id"},
			nominal:   300 * second,
			columns:   []column{{name: "cpu_percent", kind: mean}, {name: "cpu_percent_max", kind: mean}},
			row: func(r *csvRow) why {
				if w := r.undatedTime(r.field(0), second); w != "" {
					return w
				}
				avg, ok1 := r.float(3)
				most, ok2 := r.float(2)
				if !ok1 || !ok2 || avg < 0 || most < 0 {
					return badLevel
				}
				r.out[0], r.out[1] = avg, most
				return ""
			},
		}
	})
	f.detect = func(h sample) bool {
		return h.most(func(line []byte) bool {
			f := split(nil, line, ',')
			return len(f) == 5 && len(f[1]) == 64 && headerless(f[:1])
		})
	}
	return f
}
