package remoteread

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// maxRatio is more than snappy ever saves: 64 bytes are at best written as 3. What claims to
// unpack to more is not unpacked.
const maxRatio = 32

// minChunk is less than any chunk has, in bytes: a number of samples, and one sample.
const minChunk = 4

// stream reads an answer of chunks: frames of a length (uvarint), a checksum (CRC-32 of
// Castagnoli, big-endian) and a message.
func (c *collected) stream(answer []byte) error {
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	for len(answer) > 0 {
		size, n := binary.Uvarint(answer)
		if n <= 0 || uint64(len(answer)-n) < size+4 || size > uint64(len(answer)) {
			return errors.New("the stream ends in the middle of a frame")
		}
		sum, frame := binary.BigEndian.Uint32(answer[n:]), answer[n+4:n+4+int(size)]
		answer = answer[n+4+int(size):]
		if crc32.Checksum(frame, castagnoli) != sum {
			return errors.New("the checksum of a frame is wrong")
		}
		var message prompb.ChunkedReadResponse
		if err := message.Unmarshal(frame); err != nil {
			return err
		}
		for _, s := range message.ChunkedSeries {
			if err := c.chunks(s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *collected) chunks(s *prompb.ChunkedSeries) error {
	into := c.of(s.Labels)
	for _, raw := range s.Chunks {
		if raw.MaxTimeMs < c.from || raw.MinTimeMs > c.to {
			continue
		}
		// Those of histograms are not looked into: their sizes are what a server says.
		if raw.Type != prompb.Chunk_XOR && raw.Type != prompb.Chunk_XOR2 {
			return fmt.Errorf("%v: %w", into.Labels, ErrHistograms)
		}
		if len(raw.Data) < minChunk {
			return fmt.Errorf("a chunk of %d bytes", len(raw.Data))
		}
		// The encodings have the same numbers in messages as on disk.
		chunk, err := chunkenc.FromData(chunkenc.Encoding(raw.Type), raw.Data)
		if err != nil {
			return err
		}
		it := chunk.Iterator(nil)
		for it.Next() != chunkenc.ValNone {
			t, v := it.At()
			c.add(into, t, v)
		}
		if err := it.Err(); err != nil {
			return err
		}
	}
	return nil
}

// message reads an answer of samples: one compressed message.
func (c *collected) message(answer []byte) error {
	size, err := snappy.DecodedLen(answer)
	if err != nil {
		return err
	}
	if size > maxRatio*len(answer) {
		return fmt.Errorf("%d bytes cannot unpack to %d", len(answer), size)
	}
	data, err := snappy.Decode(nil, answer)
	if err != nil {
		return err
	}
	var message prompb.ReadResponse
	if err := message.Unmarshal(data); err != nil {
		return err
	}
	for _, result := range message.Results {
		for _, s := range result.Timeseries {
			into := c.of(s.Labels)
			if len(s.Histograms) > 0 {
				return fmt.Errorf("%v: %w", into.Labels, ErrHistograms)
			}
			for _, p := range s.Samples {
				c.add(into, p.Timestamp, p.Value)
			}
		}
	}
	return nil
}
