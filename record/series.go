package record

import (
	"cmp"
	"slices"
	"strings"

	"hindcast.dev/live/promclient"
	"hindcast.dev/promdb"
)

const metricName = "__name__"

// join appends the samples of later series to earlier ones with the same labels. Of two
// samples of one instant the first stays. The result is sorted by labels.
func join(first, second []series) []series {
	at := make(map[string]int, len(first))
	for i, s := range first {
		at[key(s.Labels)] = i
	}
	for _, s := range second {
		i, ok := at[key(s.Labels)]
		if !ok {
			at[key(s.Labels)] = len(first)
			first = append(first, s)
			continue
		}
		into := &first[i]
		sorted := len(into.Times) == 0 || len(s.Times) == 0 || into.Times[len(into.Times)-1] < s.Times[0]
		into.Times, into.Values = append(into.Times, s.Times...), append(into.Values, s.Values...)
		if !sorted {
			into.sort()
		}
	}
	slices.SortFunc(first, func(a, b series) int { return compareLabels(a.Labels, b.Labels) })
	return first
}

// sort puts the samples in the order of their times, and drops all but the first of each.
func (s *series) sort() {
	order := make([]int, len(s.Times))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.Times[a], s.Times[b]) })
	order = slices.CompactFunc(order, func(a, b int) bool { return s.Times[a] == s.Times[b] })
	times, values := make([]int64, len(order)), make([]float64, len(order))
	for i, o := range order {
		times[i], values[i] = s.Times[o], s.Values[o]
	}
	s.Times, s.Values = times, values
}

// dropMarkers removes staleness markers, and returns how many there were.
func (s *series) dropMarkers() int {
	n := 0
	for i, v := range s.Values {
		if !promdb.IsStale(v) {
			s.Times[n], s.Values[n] = s.Times[i], v
			n++
		}
	}
	dropped := len(s.Values) - n
	s.Times, s.Values = s.Times[:n], s.Values[:n]
	return dropped
}

func key(labels []promclient.Label) string {
	var b strings.Builder
	for _, l := range labels {
		b.WriteString(l.Name)
		b.WriteByte(0xff)
		b.WriteString(l.Value)
		b.WriteByte(0xff)
	}
	return b.String()
}

func compareLabels(a, b []promclient.Label) int {
	return slices.CompareFunc(a, b, func(a, b promclient.Label) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
}

// named returns labels with a metric's name: that of the series, or else of the query
// whose expression took it away.
func named(labels []promclient.Label, query string) (name string, others []promclient.Label) {
	name = query
	for _, l := range labels {
		if l.Name == metricName {
			name = l.Value
		} else {
			others = append(others, l)
		}
	}
	return name, others
}
