package remoteread

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"hindcast.dev/live/promclient"
)

const path = "/api/v1/read"

// ErrHistograms is returned for series of native histograms.
var ErrHistograms = errors.New("native histograms are no numbers, and are not recorded; select other series, or record a query such as histogram_quantile(0.9, rate(NAME[5m])) without --raw")

// A Source is a promclient.Client whose raw samples come by remote read.
type Source struct {
	*promclient.Client
	external []promclient.Label
	accepted []prompb.ReadRequest_ResponseType // the better first
}

// New returns a source of what a query shows, from a server with external labels; see
// external.go.
func New(c *promclient.Client, external map[string]string) *Source {
	s := &Source{Client: c, accepted: []prompb.ReadRequest_ResponseType{
		prompb.ReadRequest_STREAMED_XOR_CHUNKS, prompb.ReadRequest_SAMPLES,
	}}
	for _, name := range slices.Sorted(maps.Keys(external)) {
		s.external = append(s.external, promclient.Label{Name: name, Value: external[name]})
	}
	return s
}

// Offered asks whether the server answers remote reads. Where it does not, the error wraps
// promclient.ErrBadResponse, ErrQuery or ErrDenied; others say nothing of it.
func (s *Source) Offered(ctx context.Context, at time.Time) error {
	// A name that nobody has costs the server a look into its index.
	_, err := s.read(ctx, []*prompb.LabelMatcher{{Name: "__name__", Value: "hindcast_remote_read_probe"}}, nil, at.UnixMilli(), at.UnixMilli())
	return err
}

// ExternalLabels returns those that the server's configuration has, and none where it is
// not shown: then they stay on the series.
func ExternalLabels(ctx context.Context, c *promclient.Client) (map[string]string, error) {
	_, answer, err := c.Send(ctx, http.MethodGet, "/api/v1/status/config", nil, nil)
	if isRefusal(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var said struct {
		Data struct{ YAML string }
	}
	// JSON is YAML.
	if err := yaml.Unmarshal(answer, &said); err != nil {
		return nil, fmt.Errorf("configuration of the server: %w: %w", promclient.ErrBadResponse, err)
	}
	var cfg struct {
		Global struct {
			External map[string]string `yaml:"external_labels"`
		}
	}
	if err := yaml.Unmarshal([]byte(said.Data.YAML), &cfg); err != nil {
		return nil, fmt.Errorf("configuration of the server: %w: %w", promclient.ErrBadResponse, err)
	}
	return cfg.Global.External, nil
}

// NotOffered reports whether an error of Offered says that the server has no remote read.
func NotOffered(err error) bool { return isRefusal(err) }

func isRefusal(err error) bool {
	return errors.Is(err, promclient.ErrBadResponse) || errors.Is(err, promclient.ErrQuery) || errors.Is(err, promclient.ErrDenied)
}

// Raw is promclient.Client.Raw by remote read: staleness markers are among the samples.
func (s *Source) Raw(ctx context.Context, selector string, from, to time.Time) ([]promclient.RawSeries, error) {
	fail := func(err error) ([]promclient.RawSeries, error) {
		return nil, fmt.Errorf("samples of %s from %s to %s: %w", selector, from.Format(time.RFC3339), to.Format(time.RFC3339), err)
	}
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(selector)
	if err != nil {
		return fail(err)
	}
	wanted := make([]*prompb.LabelMatcher, len(matchers))
	for i, m := range matchers {
		wanted[i] = s.matcher(m)
	}
	// After from: a millisecond is the unit of the TSDB.
	got, err := s.split(ctx, wanted, s.external, nil, from.UnixMilli()+1, to.UnixMilli())
	if err != nil {
		return fail(err)
	}
	slices.SortFunc(got, func(a, b promclient.RawSeries) int { return slices.CompareFunc(a.Labels, b.Labels, compareLabels) })
	if len(got) > s.MaxSeries() {
		return fail(fmt.Errorf("%w: %d series, more than %d", promclient.ErrTooLarge, len(got), s.MaxSeries()))
	}
	return got, nil
}

var matchTypes = map[labels.MatchType]prompb.LabelMatcher_Type{
	labels.MatchEqual:     prompb.LabelMatcher_EQ,
	labels.MatchNotEqual:  prompb.LabelMatcher_NEQ,
	labels.MatchRegexp:    prompb.LabelMatcher_RE,
	labels.MatchNotRegexp: prompb.LabelMatcher_NRE,
}

// read asks for the samples of [from, to], in milliseconds, and takes the labels added away.
func (s *Source) read(ctx context.Context, matchers []*prompb.LabelMatcher, added []promclient.Label, from, to int64) ([]promclient.RawSeries, error) {
	req := prompb.ReadRequest{
		Queries:               []*prompb.Query{{StartTimestampMs: from, EndTimestampMs: to, Matchers: matchers}},
		AcceptedResponseTypes: s.accepted,
	}
	body, err := req.Marshal()
	if err != nil {
		return nil, err
	}
	header, answer, err := s.Send(ctx, http.MethodPost, path, http.Header{
		"Content-Encoding":                 {"snappy"},
		"Content-Type":                     {"application/x-protobuf"},
		"X-Prometheus-Remote-Read-Version": {"0.1.0"},
	}, snappy.Encode(nil, body))
	if err != nil {
		return nil, err
	}
	got := collected{from: from, to: to, added: added, byKey: map[string]int{}}
	switch kind := header.Get("Content-Type"); {
	case strings.HasPrefix(kind, "application/x-streamed-protobuf"):
		err = got.stream(answer)
	case strings.HasPrefix(kind, "application/x-protobuf"):
		err = got.message(answer)
	default:
		err = fmt.Errorf("the answer is %q", kind)
	}
	if errors.Is(err, ErrHistograms) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", promclient.ErrBadResponse, err)
	}
	return got.sorted(), nil
}

// collected is what an answer has.
type collected struct {
	from, to int64
	added    []promclient.Label // by the server
	series   []promclient.RawSeries
	byKey    map[string]int
}

// of returns the series with the labels of an answer.
func (c *collected) of(ls []prompb.Label) *promclient.RawSeries {
	own := make([]promclient.Label, 0, len(ls))
	for _, l := range ls {
		if one := (promclient.Label{Name: l.Name, Value: l.Value}); !slices.Contains(c.added, one) {
			own = append(own, one)
		}
	}
	slices.SortFunc(own, compareLabels)
	var key strings.Builder
	for _, l := range own {
		key.WriteString(l.Name + "\xff" + l.Value + "\xff")
	}
	i, ok := c.byKey[key.String()]
	if !ok {
		i = len(c.series)
		c.byKey[key.String()] = i
		c.series = append(c.series, promclient.RawSeries{Labels: own})
	}
	return &c.series[i]
}

// add appends a sample: chunks hold some before and after what was asked for.
func (c *collected) add(s *promclient.RawSeries, ms int64, v float64) {
	if ms >= c.from && ms <= c.to {
		s.Samples = append(s.Samples, promclient.Sample{Time: time.UnixMilli(ms).UTC(), Value: v})
	}
}

// sorted returns the series that have samples, in order, each sample once: chunks of one
// series overlap where samples came late.
func (c *collected) sorted() []promclient.RawSeries {
	for i := range c.series {
		s := &c.series[i]
		if !slices.IsSortedFunc(s.Samples, compareTimes) {
			slices.SortStableFunc(s.Samples, compareTimes)
		}
		s.Samples = slices.CompactFunc(s.Samples, func(a, b promclient.Sample) bool { return a.Time.Equal(b.Time) })
	}
	c.series = slices.DeleteFunc(c.series, func(s promclient.RawSeries) bool { return len(s.Samples) == 0 })
	slices.SortFunc(c.series, func(a, b promclient.RawSeries) int { return slices.CompareFunc(a.Labels, b.Labels, compareLabels) })
	return c.series
}

func compareTimes(a, b promclient.Sample) int { return a.Time.Compare(b.Time) }

func compareLabels(a, b promclient.Label) int {
	if c := strings.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	return strings.Compare(a.Value, b.Value)
}
