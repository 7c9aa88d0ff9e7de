package remoteread

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/prompb"

	"hindcast.dev/internal/promtest"
	"hindcast.dev/live/promclient"
	"hindcast.dev/promdb"
)

// TestExternalLabelsOfSeries records from a real server series that have labels of the names
// of its external labels, with their values or with others. In an answer to a remote read
// those that have one cannot be told from those that do not, and the server looks for series
// without it where it is asked for. A query knows nothing of external labels: what it shows
// is what there is.
func TestExternalLabelsOfSeries(t *testing.T) {
	dir := t.TempDir()
	db, err := promdb.Open(promdb.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	l := func(name, value string) promdb.Label { return promdb.Label{Name: name, Value: value} }
	var series []*promdb.Series
	for _, own := range [][]promdb.Label{
		{}, {l("zone", "eu-1")}, {l("zone", "eu-2")}, {l("zone", "eu-11")}, {l("replica", "a.c")}, {l("replica", "abc")},
		{l("replica", "a.c"), l("zone", "eu-1")}, {l("replica", "a.c"), l("zone", "eu-2")},
	} {
		for _, pod := range []string{"p", "q"} {
			s, err := db.Series("up", append([]promdb.Label{l("pod", pod)}, own...)...)
			if err != nil {
				t.Fatal(err)
			}
			series = append(series, s)
		}
	}
	for k := range 40 {
		at := begin.Add(time.Duration(k) * 15 * time.Second)
		for i, s := range series {
			if err := db.Append(s, at, float64(100*i+k)); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Commit(at); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(db.Finish(), db.Close()); err != nil {
		t.Fatal(err)
	}
	// The point of a.c would be any letter if it were not quoted.
	server := promtest.StartWith(t, dir, "global: {external_labels: {replica: a.c, zone: eu-1, cluster: one}}\n")
	c := client(t, server.URL())
	added, err := ExternalLabels(t.Context(), c)
	if err != nil || len(added) != 3 {
		t.Fatalf("external labels %v, %v", added, err)
	}
	from, to := begin.Add(time.Minute), begin.Add(8*time.Minute)
	for _, kind := range []prompb.ReadRequest_ResponseType{prompb.ReadRequest_STREAMED_XOR_CHUNKS, prompb.ReadRequest_SAMPLES} {
		source := New(c, added)
		source.accepted = []prompb.ReadRequest_ResponseType{kind}
		for selector, want := range map[string]int{
			`up`: 16, `up{zone="eu-1"}`: 4, `up{zone=~"eu-1"}`: 4, `up{zone!="eu-1"}`: 12, `up{zone!~"eu-1"}`: 12, `up{zone=""}`: 6, `up{zone!=""}`: 10,
			`up{zone="eu-2"}`: 4, `up{replica="a.c"}`: 6, `up{replica="a.c",zone="eu-1"}`: 2, `up{replica="a.c",zone=""}`: 2,
			`up{replica="",zone="",pod="q"}`: 1, `up{cluster="one"}`: 0, `up{cluster=""}`: 16, `up{cluster="one",zone="eu-1"}`: 0,
		} {
			queried, err := c.Raw(t.Context(), selector, from, to)
			if err != nil {
				t.Fatal(err)
			}
			if len(queried) != want {
				t.Fatalf("%s: the server has %d series, want %d", selector, len(queried), want)
			}
			read, err := source.Raw(t.Context(), selector, from, to)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(byLabels(queried), byLabels(read)); diff != "" {
				t.Errorf("%v: %s: %d series are read, a query has %d (-query +read):\n%.1500s", kind, selector, len(read), len(queried), diff)
			}
		}
	}
}

func byLabels(all []promclient.RawSeries) map[string]string {
	out := map[string]string{}
	for _, s := range all {
		out[fmt.Sprint(s.Labels)] = fmt.Sprint(s.Samples)
	}
	return out
}
