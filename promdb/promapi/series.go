package promapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

func (h *Handler) series(r *http.Request) (_ any, warnings annotations.Annotations, fault *apiError) {
	if len(r.Form["match[]"]) == 0 {
		return nil, nil, &apiError{errBadData, errors.New("no match[] parameter provided")}
	}
	sel, fault := h.selection(r)
	if fault != nil {
		return nil, nil, fault
	}
	q, err := h.db.Querier(sel.mint, sel.maxt)
	if err != nil {
		return nil, nil, queryError(err)
	}
	defer closing(q, &fault)
	set := selectSeries(r.Context(), q, sel)
	metrics := []labels.Labels{}
	for set.Next() {
		if sel.limit > 0 && len(metrics) == sel.limit {
			warnings = set.Warnings()
			return listOf(metrics), warnings.Add(errTruncated), nil
		}
		metrics = append(metrics, set.At().Labels())
		if err := r.Context().Err(); err != nil {
			return nil, nil, queryError(err)
		}
	}
	if err := set.Err(); err != nil {
		return nil, nil, queryError(err)
	}
	return listOf(metrics), set.Warnings(), nil
}

func listOf(metrics []labels.Labels) encoded {
	b, _ := appendList(nil, metrics, func(b []byte, ls labels.Labels) ([]byte, error) { return appendLabels(b, ls), nil })
	return b
}

// selectSeries returns the series of all matchers of a selection, each once.
func selectSeries(ctx context.Context, q storage.Querier, sel selection) storage.SeriesSet {
	// No function is called "series": it says that samples are not needed.
	hints := &storage.SelectHints{Start: sel.mint, End: sel.maxt, Func: "series", Limit: hintLimit(sel.limit)}
	var sets []storage.SeriesSet
	for _, ms := range sel.matchers {
		sets = append(sets, q.Select(ctx, true, hints, ms...))
	}
	return storage.NewMergeSeriesSet(sets, 0, storage.ChainedSeriesMerge)
}

// hintLimit asks the storage for one more than is wanted, which tells whether there are.
func hintLimit(limit int) int {
	if limit > 0 && limit < math.MaxInt {
		return limit + 1
	}
	return limit
}

func (h *Handler) labelNames(r *http.Request) (any, annotations.Annotations, *apiError) {
	return h.labels(r, func(q storage.Querier, hints *storage.LabelHints, ms []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return q.LabelNames(r.Context(), hints, ms...)
	})
}

func (h *Handler) labelValues(r *http.Request) (any, annotations.Annotations, *apiError) {
	name := r.PathValue("name")
	if strings.HasPrefix(name, "U__") {
		name = model.UnescapeName(name, model.ValueEncodingEscaping)
	}
	if !model.UTF8Validation.IsValidLabelName(name) {
		return nil, nil, &apiError{errBadData, fmt.Errorf("invalid label name: %q", name)}
	}
	return h.labels(r, func(q storage.Querier, hints *storage.LabelHints, ms []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return q.LabelValues(r.Context(), name, hints, ms...)
	})
}

// labels returns names or values of labels, sorted, for each matcher of the request.
func (h *Handler) labels(
	r *http.Request, find func(storage.Querier, *storage.LabelHints, []*labels.Matcher) ([]string, annotations.Annotations, error),
) (_ any, _ annotations.Annotations, fault *apiError) {
	sel, fault := h.selection(r)
	if fault != nil {
		return nil, nil, fault
	}
	q, err := h.db.Querier(sel.mint, sel.maxt)
	if err != nil {
		return nil, nil, queryError(err)
	}
	defer closing(q, &fault)
	if len(sel.matchers) == 0 {
		sel.matchers = [][]*labels.Matcher{nil}
	}
	found := []string{}
	var warnings annotations.Annotations
	for _, ms := range sel.matchers {
		some, warn, err := find(q, &storage.LabelHints{Limit: hintLimit(sel.limit)}, ms)
		if err != nil {
			return nil, nil, queryError(err)
		}
		found = append(found, some...)
		warnings.Merge(warn)
	}
	slices.Sort(found)
	found = slices.Compact(found)
	if sel.limit > 0 && len(found) > sel.limit {
		return found[:sel.limit], warnings.Add(errTruncated), nil
	}
	return found, warnings, nil
}

// closing closes q; its error is that of a request without another.
func closing(q storage.Querier, fault **apiError) {
	if err := q.Close(); err != nil {
		*fault = cmp.Or(*fault, &apiError{errInternal, err})
	}
}
