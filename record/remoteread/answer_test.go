package remoteread

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"testing"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"hindcast.dev/live/promclient"
)

// frame puts a message into a stream, as the protocol describes it.
func frame(t testing.TB, message *prompb.ChunkedReadResponse) []byte {
	t.Helper()
	data, err := message.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	out := binary.AppendUvarint(nil, uint64(len(data)))
	out = binary.BigEndian.AppendUint32(out, crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
	return append(out, data...)
}

func chunk(t testing.TB, first int64, n int) prompb.Chunk {
	t.Helper()
	c := chunkenc.NewXORChunk()
	app, err := c.Appender()
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(n) {
		app.Append(0, first+i*10, float64(first+i))
	}
	return prompb.Chunk{MinTimeMs: first, MaxTimeMs: first + 10*int64(n-1), Type: prompb.Chunk_XOR, Data: c.Bytes()}
}

func collect(from, to int64, external ...promclient.Label) *collected {
	return &collected{from: from, to: to, added: external, byKey: map[string]int{}}
}

// A series may go on in a later frame, and its chunks may overlap; what lies outside of
// the time asked for is dropped, as are external labels with their value, and only those.
func TestStream(t *testing.T) {
	ls := []prompb.Label{{Name: "__name__", Value: "up"}, {Name: "replica", Value: "a"}, {Name: "zone", Value: "other"}}
	stream := bytes.Join([][]byte{
		frame(t, &prompb.ChunkedReadResponse{ChunkedSeries: []*prompb.ChunkedSeries{{Labels: ls, Chunks: []prompb.Chunk{chunk(t, 100, 5), chunk(t, 200, 5)}}}}),
		frame(t, &prompb.ChunkedReadResponse{ChunkedSeries: []*prompb.ChunkedSeries{{Labels: ls, Chunks: []prompb.Chunk{chunk(t, 130, 3)}}}}),
		frame(t, &prompb.ChunkedReadResponse{ChunkedSeries: []*prompb.ChunkedSeries{{Labels: ls[:1], Chunks: []prompb.Chunk{chunk(t, 500, 5)}}}}),
	}, nil)
	c := collect(110, 210, promclient.Label{Name: "replica", Value: "a"}, promclient.Label{Name: "zone", Value: "eu"})
	if err := c.stream(stream); err != nil {
		t.Fatal(err)
	}
	got := c.sorted()
	if len(got) != 1 || len(got[0].Labels) != 2 || got[0].Labels[1] != (promclient.Label{Name: "zone", Value: "other"}) {
		t.Fatalf("series %v", got)
	}
	var times []int64
	for _, s := range got[0].Samples {
		times = append(times, s.Time.UnixMilli())
	}
	want := []int64{110, 120, 130, 140, 150, 200, 210}
	if len(times) != len(want) {
		t.Fatalf("times %v, want %v", times, want)
	}
	for i := range want {
		if times[i] != want[i] {
			t.Fatalf("times %v, want %v", times, want)
		}
	}
}

// Whatever is cut off or changed on the way is an error, never fewer samples.
func TestStreamBroken(t *testing.T) {
	whole := frame(t, &prompb.ChunkedReadResponse{ChunkedSeries: []*prompb.ChunkedSeries{{
		Labels: []prompb.Label{{Name: "__name__", Value: "up"}}, Chunks: []prompb.Chunk{chunk(t, 100, 20)},
	}}})
	for n := 1; n < len(whole); n++ {
		if err := collect(0, math.MaxInt64).stream(whole[:n]); err == nil {
			t.Errorf("%d of %d bytes pass", n, len(whole))
		}
		changed := bytes.Clone(whole)
		changed[n] ^= 0x10
		if err := collect(0, math.MaxInt64).stream(changed); err == nil {
			t.Errorf("byte %d changed, and it passes", n)
		}
	}
}

// FuzzAnswer: an answer is read or refused, without a panic. The checksum of the fuzzed
// message is right, lest nothing gets behind it.
func FuzzAnswer(f *testing.F) {
	good := &prompb.ChunkedReadResponse{ChunkedSeries: []*prompb.ChunkedSeries{{
		Labels: []prompb.Label{{Name: "__name__", Value: "up"}}, Chunks: []prompb.Chunk{chunk(f, 100, 20)},
	}}}
	data, err := good.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	flat, err := (&prompb.ReadResponse{Results: []*prompb.QueryResult{{Timeseries: []*prompb.TimeSeries{{
		Labels: []prompb.Label{{Name: "a", Value: "b"}}, Samples: []prompb.Sample{{Value: 1, Timestamp: 150}},
	}}}}}).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(flat)
	f.Fuzz(func(t *testing.T, data []byte) {
		stream := binary.AppendUvarint(nil, uint64(len(data)))
		stream = binary.BigEndian.AppendUint32(stream, crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
		c := collect(100, 300)
		for _, err := range []error{c.stream(append(stream, data...)), c.stream(data), c.message(data), c.message(snappy.Encode(nil, data))} {
			if err != nil {
				continue
			}
			for _, s := range c.sorted() {
				for i, p := range s.Samples {
					if ms := p.Time.UnixMilli(); ms < 100 || ms > 300 || i > 0 && !s.Samples[i-1].Time.Before(p.Time) {
						t.Fatalf("sample %d of %v at %d", i, s.Labels, ms)
					}
				}
			}
		}
	})
}
