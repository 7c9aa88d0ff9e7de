package importer_test

import (
	"encoding/binary"
	"testing"

	"hindcast.dev/datasets/importer"
)

// worldCupRecords returns records of the binary log with the given times; their sizes are
// 1000 and their statuses 200 and 404 in turn.
func worldCupRecords(times ...uint32) string {
	var b []byte
	for i, t := range times {
		b = binary.BigEndian.AppendUint32(b, t)
		b = binary.BigEndian.AppendUint32(b, uint32(i))
		b = binary.BigEndian.AppendUint32(b, 7)
		b = binary.BigEndian.AppendUint32(b, 1000)
		b = append(b, 0, 2<<6|[]byte{2, 19}[i%2], 1, byte(i%4)<<5|3)
	}
	return string(b)
}

func TestWorldCup(t *testing.T) {
	const minute = 894_000_000 / 60 * 60
	content := worldCupRecords(minute, minute+59, minute+60, minute+185)
	res := mustImport(t, importer.Config{}, text("wc_day6_1.gz", zipped(t, content)))
	if res.Start.Unix() != minute {
		t.Errorf("start %v", res.Start)
	}
	equal(t, "requests", res.Values, []float64{2. / 60, 1. / 60, 0, 1. / 60})
	equal(t, "200", column(t, res, "code_200"), []float64{1. / 60, 1. / 60, 0, 0})
	equal(t, "404", column(t, res, "code_404"), []float64{1. / 60, 0, 0, 1. / 60})
	equal(t, "bytes", column(t, res, "bytes"), []float64{2000. / 60, 1000. / 60, 0, 1000. / 60})

	res = mustImport(t, importer.Config{Select: []string{"region=~0|2"}}, text("wc", content))
	equal(t, "two regions", res.Values, []float64{1. / 60, 1. / 60})

	// The parts of a day overlap and are added up.
	res = mustImport(t, importer.Config{}, text("wc_day6_2", worldCupRecords(minute+60, minute+120)), text("wc_day6_1", worldCupRecords(minute, minute+61)))
	equal(t, "two parts", res.Values, []float64{1. / 60, 2. / 60, 1. / 60})

	res = mustImport(t, importer.Config{Format: "worldcup98"}, text("wc", content+"12345"))
	if r := res.Report; r.Malformed != 1 || r.Faults[0].Line != 5 || r.Faults[0].Why != "the last record has 5 bytes of 20" {
		t.Errorf("%+v", r)
	}
	res = mustImport(t, importer.Config{Format: "worldcup98"}, text("wc", worldCupRecords(minute, 5, minute+60)))
	if r := res.Report; r.Malformed != 1 || r.Faults[0].Line != 2 {
		t.Errorf("%+v", r)
	}
}

func FuzzWorldCup(f *testing.F) {
	f.Add([]byte(worldCupRecords(894_000_000, 894_000_001, 894_000_100)))
	f.Add([]byte(worldCupRecords(894_000_100, 894_000_001, 4_000_000_000) + "x"))
	f.Fuzz(func(t *testing.T, data []byte) { fuzz(t, "worldcup98", data) })
}
