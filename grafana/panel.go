package grafana

import (
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// A board is a dashboard: rows of panels, which are set from left to right.
type board struct {
	file, uid, title, about string
	from                    string // start of the time range at first
	variables               []cog.Builder[dashboard.VariableModel]
	rows                    []row
}

type row struct {
	title  string
	panels []panel
}

// A kind is how a panel draws.
type kind int

const (
	lines   kind = iota
	stack        // lines upon each other
	steps        // lines that hold their value until it changes
	number       // the last value
	states       // one coloured stretch for each value
	columns      // a table with a row for each policy
)

// A panel shows the answers of its queries.
type panel struct {
	title, about string
	kind         kind
	unit         string // of Grafana: s, bytes, reqps, percentunit, short, ...
	decimals     int    // of numbers and tables
	min, max     *float64
	width        uint32 // of 24; 0 is 12, for numbers 4
	marks        []mark // coloured ranges, from the lowest
	queries      []query
}

// A mark says which colour values have from one on; its first is the colour of all below.
type mark struct {
	from  float64
	color string
}

// A query is PromQL in which @pod, @deployment, @scaler, @policy and so on stand for the matchers
// of the dashboard's variables.
type query struct {
	expr, legend string
	dashed       bool
	// unit is that of a table's column, decimals how many it has, marks colour its figures.
	unit     string
	decimals int
	marks    []mark
}

// unfinished keeps the pods that hold what they request: kube-state-metrics tells of those that are done,
// as of a Job, or were evicted, until somebody deletes them.
const unfinished = ` and on (policy, namespace, pod) kube_pod_status_phase{@policy,phase=~"Pending|Running"} == 1`

// matchers are what the words of a query stand for.
var matchers = strings.NewReplacer(
	"@deployment", `namespace="$namespace",deployment="$deployment",policy=~"$policy"`,
	"@oracle", `namespace="$namespace",deployment="$deployment",policy="oracle"`,
	"@baseline", `namespace="$namespace",deployment="$deployment",policy="$baseline"`,
	"@candidate", `namespace="$namespace",deployment="$deployment",policy="$candidate"`,
	// The pods of a Deployment, and not those of one whose name begins alike.
	"@pod", `namespace="$namespace",pod=~"$deployment-[a-z0-9]+(-[a-z0-9]{5})?",policy=~"$policy"`,
	"@ingress", `namespace="$namespace",ingress="$deployment",policy=~"$policy"`,
	"@scaler", `namespace="$namespace",scaler="$scaler",policy=~"$policy"`,
	"@hpa", `namespace="$namespace",horizontalpodautoscaler="$deployment",policy=~"$policy"`,
	"@policy", `policy=~"$policy"`,
)

// promSource is the data source that the dashboard's user chose.
var promSource = common.DataSourceRef{Type: new("prometheus"), Uid: new("${datasource}")}

func (p panel) targets() []*prometheus.DataqueryBuilder {
	var all []*prometheus.DataqueryBuilder
	for i, q := range p.queries {
		t := prometheus.NewDataqueryBuilder().Datasource(promSource).RefId(refID(i)).
			Expr(matchers.Replace(q.expr)).LegendFormat(q.legend).EditorMode(prometheus.QueryEditorModeCode)
		switch p.kind {
		case number, columns:
			t.Instant()
		default:
			t.Range()
		}
		if p.kind == columns {
			t.Format(prometheus.PromQueryFormatTable)
		}
		all = append(all, t)
	}
	return all
}

func refID(i int) string { return string(rune('A' + i)) }

// Marks that several panels have.
var (
	someReady  = []mark{{0, "red"}, {1, "text"}}
	savings    = []mark{{0, "orange"}, {0, "green"}}
	restless   = []mark{{0, "transparent"}, {10, "orange"}}
	slowStart  = []mark{{0, "transparent"}, {300, "orange"}}                 // as HindcastPodsPending
	usedShare  = []mark{{0, "orange"}, {0.25, "transparent"}, {1, "orange"}} // as HindcastOverProvisioned; all that was asked for
	nearlyFull = []mark{{0, "transparent"}, {0.85, "orange"}, {0.95, "red"}}
)

// levels are marks in Grafana's words.
func levels(all []mark) []dashboard.Threshold {
	if len(all) == 0 {
		return []dashboard.Threshold{{Color: "text"}}
	}
	var out []dashboard.Threshold
	for i, m := range all {
		t := dashboard.Threshold{Value: new(m.from), Color: m.color}
		if i == 0 {
			t.Value = nil
		}
		out = append(out, t)
	}
	return out
}

func (p panel) thresholds() *dashboard.ThresholdsConfigBuilder {
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(levels(p.marks))
}

// build returns the panel in Grafana's words.
func (p panel) build(id uint32) cog.Builder[dashboard.Panel] {
	switch p.kind {
	case number:
		return p.number(id)
	case states:
		return p.states(id)
	case columns:
		return p.table(id)
	default:
		return p.lines(id)
	}
}

func (p panel) lines(id uint32) *timeseries.PanelBuilder {
	b := timeseries.NewPanelBuilder().Id(id).Title(p.title).Description(p.about).Datasource(promSource).
		Height(8).Span(orElse(p.width, 12)).Unit(p.unit).
		// What was not scraped is not drawn.
		SpanNulls(common.BoolOrFloat64{Bool: new(false)}).ShowPoints(common.VisibilityModeNever).LineWidth(1.5).
		Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(true)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	switch p.kind {
	case stack:
		b.FillOpacity(40).LineWidth(0.5).Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal))
	case steps:
		b.LineInterpolation(common.LineInterpolationStepAfter)
	default:
	}
	if p.min != nil {
		b.Min(*p.min)
	}
	if p.max != nil {
		b.Max(*p.max)
	}
	if len(p.marks) > 0 {
		b.Thresholds(p.thresholds()).ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed))
	}
	for i, t := range p.targets() {
		b.WithTarget(t)
		if p.queries[i].dashed {
			b.OverrideByQuery(refID(i), []dashboard.DynamicConfigValue{{
				Id: "custom.lineStyle", Value: map[string]any{"fill": "dash", "dash": []int{6, 6}},
			}})
		}
	}
	return b
}

func (p panel) number(id uint32) *stat.PanelBuilder {
	b := stat.NewPanelBuilder().Id(id).Title(p.title).Description(p.about).Datasource(promSource).
		Height(4).Span(orElse(p.width, 4)).Unit(p.unit).Decimals(float64(p.decimals)).Thresholds(p.thresholds()).
		ColorMode(common.BigValueColorModeValue).GraphMode(common.BigValueGraphModeNone).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
	for _, t := range p.targets() {
		b.WithTarget(t)
	}
	return b
}

func (p panel) states(id uint32) *statetimeline.PanelBuilder {
	b := statetimeline.NewPanelBuilder().Id(id).Title(p.title).Description(p.about).Datasource(promSource).
		Height(5).Span(orElse(p.width, 12)).Unit(p.unit).Thresholds(p.thresholds()).ShowValue(common.VisibilityModeNever).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdThresholds))
	for _, t := range p.targets() {
		b.WithTarget(t)
	}
	return b
}

func (p panel) table(id uint32) *table.PanelBuilder {
	names := map[string]string{}
	b := table.NewPanelBuilder().Id(id).Title(p.title).Description(p.about).Datasource(promSource).
		Height(9).Span(orElse(p.width, 24)).Unit(p.unit).Footer(common.NewTableFooterOptionsBuilder().Reducer([]string{}))
	for i, t := range p.targets() {
		b.WithTarget(t)
		name := "Value #" + refID(i)
		names[name] = p.queries[i].legend
		override := []dashboard.DynamicConfigValue{{Id: "unit", Value: p.queries[i].unit}, {Id: "decimals", Value: p.queries[i].decimals}}
		if marks := p.queries[i].marks; len(marks) > 0 {
			override = append(override,
				dashboard.DynamicConfigValue{Id: "thresholds", Value: dashboard.ThresholdsConfig{Mode: dashboard.ThresholdsModeAbsolute, Steps: levels(marks)}},
				dashboard.DynamicConfigValue{Id: "custom.cellOptions", Value: map[string]string{"type": "color-text"}})
		}
		b.OverrideByName(name, override)
	}
	return b.WithTransformation(dashboard.DataTransformerConfig{Id: "merge", Options: map[string]any{}}).
		WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
			"excludeByName": map[string]bool{"Time": true}, "renameByName": names,
		}})
}

func orElse(v, otherwise uint32) uint32 {
	if v == 0 {
		return otherwise
	}
	return v
}
