package livetest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// OpenMetrics writes the samples of stories in that format, which has no marks of where
// series end.
func OpenMetrics(stories ...Story) ([]byte, error) {
	var out bytes.Buffer
	for _, s := range stories {
		s.Endless = true
		_, err := s.Write(s.Start, s.End, func(name string, labels map[string]string, at time.Time, v float64) error {
			if v != v {
				return nil
			}
			var pairs []string
			for _, label := range slices.Sorted(maps.Keys(labels)) {
				pairs = append(pairs, label+"="+strconv.Quote(labels[label]))
			}
			_, err := fmt.Fprintf(&out, "%s{%s} %s %d\n", name, strings.Join(pairs, ","), strconv.FormatFloat(v, 'g', -1, 64), at.Unix())
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	out.WriteString("# EOF\n")
	return out.Bytes(), nil
}
