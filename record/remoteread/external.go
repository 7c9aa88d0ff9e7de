package remoteread

import (
	"context"
	"regexp"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"

	"hindcast.dev/live/promclient"
)

// A server adds its external labels to every series that is read remotely and has none of
// that name, and looks for series without the label where it is asked for one by equality.
// A query shows series as they are stored. So that both give the same,
//
//   - equality to an external label is asked for as a regular expression, which the server
//     leaves as it is;
//   - series that have an external label of their own, whose answers are no other, are asked
//     for apart from those that do not.

// matcher returns m as the server takes it at its word.
func (s *Source) matcher(m *labels.Matcher) *prompb.LabelMatcher {
	if m.Type == labels.MatchEqual && slices.Contains(s.external, promclient.Label{Name: m.Name, Value: m.Value}) {
		return &prompb.LabelMatcher{Type: prompb.LabelMatcher_RE, Name: m.Name, Value: regexp.QuoteMeta(m.Value)}
	}
	return &prompb.LabelMatcher{Type: matchTypes[m.Type], Name: m.Name, Value: m.Value}
}

// split reads series and takes away the labels added, and those of external that series do
// not have of their own. It costs a request for every external label, whose answers are empty
// unless series do.
func (s *Source) split(ctx context.Context, matchers []*prompb.LabelMatcher, external, added []promclient.Label, from, to int64) ([]promclient.RawSeries, error) {
	if len(external) == 0 {
		return s.read(ctx, matchers, added, from, to)
	}
	l, external := external[0], external[1:]
	without := append(slices.Clip(added), l)
	if l.Value == "" { // is no label
		return s.split(ctx, matchers, external, without, from, to)
	}
	its := func(kind prompb.LabelMatcher_Type) []*prompb.LabelMatcher {
		return append(slices.Clip(matchers), &prompb.LabelMatcher{Type: kind, Name: l.Name, Value: regexp.QuoteMeta(l.Value)})
	}
	own, err := s.read(ctx, its(prompb.LabelMatcher_RE), added, from, to)
	if err != nil {
		return nil, err
	}
	if len(own) == 0 {
		return s.split(ctx, matchers, external, without, from, to)
	}
	if len(external) > 0 {
		if own, err = s.split(ctx, its(prompb.LabelMatcher_RE), external, added, from, to); err != nil {
			return nil, err
		}
	}
	others, err := s.split(ctx, its(prompb.LabelMatcher_NRE), external, without, from, to)
	return append(own, others...), err
}
