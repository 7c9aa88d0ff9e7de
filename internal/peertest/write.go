package peertest

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/prompb"
)

// A Series is samples to be written, in the order of time.
type Series struct {
	Labels  [][2]string // names and values, sorted by name
	Samples []Sample
}

// A Sample is a value at an instant.
type Sample struct {
	Millis int64 // since 1970
	Value  float64
}

// Write sends samples as a Prometheus does, by remote write, and waits until queries see
// them.
func (s *Server) Write(t testing.TB, series []Series) {
	t.Helper()
	var message prompb.WriteRequest
	for _, from := range series {
		var to prompb.TimeSeries
		for _, l := range from.Labels {
			to.Labels = append(to.Labels, prompb.Label{Name: l[0], Value: l[1]})
		}
		for _, p := range from.Samples {
			to.Samples = append(to.Samples, prompb.Sample{Timestamp: p.Millis, Value: p.Value})
		}
		message.Timeseries = append(message.Timeseries, to)
	}
	plain, err := message.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	s.ask(t, http.MethodPost, s.Push, snappy.Encode(nil, plain))
	if s.flush != "" {
		s.ask(t, http.MethodGet, s.flush, nil)
	}
}

func (s *Server) ask(t testing.TB, method, url string, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "snappy")
	req.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	if s.Tenant != "" {
		req.Header.Set("X-Scope-OrgID", s.Tenant)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 1000)) // only for the message below
	if resp.StatusCode/100 != 2 {
		t.Fatalf("%s %s: HTTP %d, %s", method, url, resp.StatusCode, said)
	}
}
