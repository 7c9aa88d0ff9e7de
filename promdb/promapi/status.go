package promapi

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/annotations"
)

// Version is the version of Prometheus whose storage and PromQL answer; a test holds it
// to go.mod.
const Version = "3.15.0"

func (h *Handler) metadata(r *http.Request) (any, annotations.Annotations, *apiError) {
	limit, perMetric := -1, -1
	for name, n := range map[string]*int{"limit": &limit, "limit_per_metric": &perMetric} {
		if text := r.Form.Get(name); text != "" {
			var err error
			if *n, err = strconv.Atoi(text); err != nil {
				return nil, nil, &apiError{errBadData, fmt.Errorf("%s must be a number", name)}
			}
		}
	}
	found := map[string][]Metadata{}
	for _, m := range h.cfg.Metadata {
		if limit >= 0 && len(found) >= limit {
			break
		}
		if name := r.Form.Get("metric"); name == "" || name == m.Name {
			found[m.Name] = []Metadata{m}
		}
	}
	return found, nil, nil
}

// What serves the blocks of a run scrapes nothing and notifies nobody, as a Prometheus
// server without configuration does.

func (h *Handler) alertmanagers(*http.Request) (any, annotations.Annotations, *apiError) {
	return map[string]any{"activeAlertmanagers": []struct{}{}, "droppedAlertmanagers": []struct{}{}}, nil, nil
}

func (h *Handler) targets(*http.Request) (any, annotations.Annotations, *apiError) {
	return map[string]any{"activeTargets": []struct{}{}, "droppedTargets": []struct{}{}, "droppedTargetCounts": map[string]int{}}, nil, nil
}

func (h *Handler) targetsMetadata(*http.Request) (any, annotations.Annotations, *apiError) {
	return []struct{}{}, nil, nil
}

func (h *Handler) scrapePools(*http.Request) (any, annotations.Annotations, *apiError) {
	return map[string]any{"scrapePools": []string{}}, nil, nil
}

func (h *Handler) config(*http.Request) (any, annotations.Annotations, *apiError) {
	return map[string]string{"yaml": ""}, nil, nil
}

func (h *Handler) flags(*http.Request) (any, annotations.Annotations, *apiError) {
	return map[string]string{
		"query.lookback-delta":  "5m",
		"query.max-concurrency": strconv.Itoa(h.cfg.Concurrency),
		"query.timeout":         model.Duration(h.cfg.Timeout).String(),
	}, nil, nil
}

func (h *Handler) buildInfo(*http.Request) (any, annotations.Annotations, *apiError) {
	return map[string]string{
		"version": Version, "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": runtime.Version(),
	}, nil, nil
}

// runtimeInfo is about the run where it can be: it has no time of its own.
func (h *Handler) runtimeInfo(*http.Request) (any, annotations.Annotations, *apiError) {
	start, end := h.cfg.Start.Add(h.cfg.Shift).UTC(), h.cfg.End.Add(h.cfg.Shift).UTC()
	return struct {
		StartTime           time.Time `json:"startTime"`
		CWD                 string    `json:"CWD"`
		Hostname            string    `json:"hostname"`
		ServerTime          time.Time `json:"serverTime"`
		ReloadConfigSuccess bool      `json:"reloadConfigSuccess"`
		LastConfigTime      time.Time `json:"lastConfigTime"`
		CorruptionCount     int64     `json:"corruptionCount"`
		GoroutineCount      int       `json:"goroutineCount"`
		GOMAXPROCS          int       `json:"GOMAXPROCS"`
		StorageRetention    string    `json:"storageRetention"`
	}{
		StartTime: start, ServerTime: end, LastConfigTime: start, ReloadConfigSuccess: true,
		GoroutineCount: runtime.NumGoroutine(), GOMAXPROCS: runtime.GOMAXPROCS(0),
	}, nil, nil
}

// A count is an element of the tables of tsdbStatus.
type count struct {
	Name  string `json:"name"`
	Value uint64 `json:"value"`
}

// tsdbStatus counts what all blocks together hold: a run has no head.
func (h *Handler) tsdbStatus(r *http.Request) (_ any, _ annotations.Annotations, fault *apiError) {
	limit := 10
	if text := r.Form.Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > 10000 {
			return nil, nil, &apiError{errBadData, errors.New("limit must be a number from 1 to 10000")}
		}
	}
	q, err := h.db.Querier(minTime.UnixMilli(), maxTime.UnixMilli())
	if err != nil {
		return nil, nil, queryError(err)
	}
	defer closing(q, &fault)
	everything := labels.MustNewMatcher(labels.MatchNotEqual, model.MetricNameLabel, "")
	set := selectSeries(r.Context(), q, selection{
		mint: minTime.UnixMilli(), maxt: maxTime.UnixMilli(), matchers: [][]*labels.Matcher{{everything}},
	})
	var total uint64
	metrics, pairs := map[string]uint64{}, map[labels.Label]uint64{}
	for set.Next() {
		total++
		set.At().Labels().Range(func(l labels.Label) {
			pairs[l]++
			if l.Name == model.MetricNameLabel {
				metrics[l.Value]++
			}
		})
	}
	if err := set.Err(); err != nil {
		return nil, nil, queryError(err)
	}
	values, bytes, byPair := map[string]uint64{}, map[string]uint64{}, map[string]uint64{}
	for l, n := range pairs {
		values[l.Name]++
		bytes[l.Name] += uint64(len(l.Value))
		byPair[l.Name+"="+l.Value] = n
	}
	var chunks uint64
	for _, b := range h.db.BlockMetas() {
		chunks += b.Stats.NumChunks
	}
	return map[string]any{
		"headStats": map[string]any{
			"numSeries": total, "numLabelPairs": len(pairs), "chunkCount": chunks,
			"minTime": h.cfg.Start.Add(h.cfg.Shift).UnixMilli(), "maxTime": h.cfg.End.Add(h.cfg.Shift).UnixMilli(),
		},
		"seriesCountByMetricName":     largest(metrics, limit),
		"labelValueCountByLabelName":  largest(values, limit),
		"memoryInBytesByLabelName":    largest(bytes, limit),
		"seriesCountByLabelValuePair": largest(byPair, limit),
	}, nil, nil
}

func largest(counts map[string]uint64, limit int) []count {
	all := []count{}
	for name, n := range counts {
		all = append(all, count{name, n})
	}
	slices.SortFunc(all, func(a, b count) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(a.Name, b.Name))
	})
	return all[:min(limit, len(all))]
}

// tsdbBlocks lists the blocks as they are on disk, in the run's time.
func (h *Handler) tsdbBlocks(*http.Request) (any, annotations.Annotations, *apiError) {
	return map[string][]tsdb.BlockMeta{"blocks": h.db.BlockMetas()}, nil, nil
}

func (h *Handler) walReplay(*http.Request) (any, annotations.Annotations, *apiError) {
	return map[string]int{"min": 0, "max": 0, "current": 0}, nil, nil
}
