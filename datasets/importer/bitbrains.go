package importer

import "math"

// bitbrains is GWA-T-12 (Shen, van Beek and Iosup, 2015), and GWA-T-13 of Materna alike:
// a file a virtual machine, fields separated by a semicolon and a tab. The header says
// milliseconds, the times are unix seconds, about 300 apart. Several files are added up.
func bitbrains() Format {
	return csvFormat(Format{
		Name:      "bitbrains",
		Title:     "Bitbrains GWA-T-12 and Materna GWA-T-13, a file a virtual machine",
		unordered: true,
	}, func() csvSpec {
		const kilo = 1024
		return csvSpec{
			separator: ';',
			names: []string{
				"timestamp [ms]|timestamp", "cpu cores", "cpu capacity provisioned [mhz]", "cpu usage [mhz]",
				"memory usage [kb]", "disk read throughput [kb/s]", "disk write throughput [kb/s]",
				"network received throughput [kb/s]", "network transmitted throughput [kb/s]",
			},
			nominal: 300 * second,
			columns: []column{
				{name: "cpu_cores", kind: total}, {name: "memory_bytes", kind: total},
				{name: "disk_read_bytes", kind: total}, {name: "disk_write_bytes", kind: total},
				{name: "network_receive_bytes", kind: total}, {name: "network_transmit_bytes", kind: total},
			},
			row: func(r *csvRow) why {
				at, w := unix(r.field(0))
				if w != "" {
					// Materna writes 04.11.2015 18:49:40 in the time of its data centre.
					if at, w = germanDate(r); w != "" {
						return w
					}
				}
				r.at = at
				cores, ok1 := r.float(1)
				capacity, ok2 := r.float(2)
				usage, ok3 := r.float(3)
				if !ok1 || !ok2 || !ok3 || cores <= 0 || usage < 0 {
					return "the cores, the capacity or the usage of the CPU are no numbers of at least 0"
				}
				r.out[0] = 0
				if capacity > 0 {
					r.out[0] = usage / (capacity / cores)
				}
				for i := 1; i < len(r.out); i++ {
					v, ok := r.float(i + 3)
					if !ok || v < 0 {
						v = math.NaN()
					}
					r.out[i] = v * kilo
				}
				return ""
			},
		}
	})
}

// germanDate reads 31.12.2015 23:59:59.
func germanDate(r *csvRow) (int64, why) {
	b := r.field(0)
	if len(b) < 16 || b[2] != '.' || b[5] != '.' || b[10] != ' ' {
		return 0, noTime
	}
	iso := append(append(append(append(append(append([]byte{}, b[6:10]...), '-'), b[3:5]...), '-'), b[0:2]...), b[10:]...)
	return r.zone.parse(iso)
}
