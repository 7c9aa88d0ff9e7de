package grafana

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// Files returns the dashboards as JSON, by the name of their file.
func Files() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, b := range boards() {
		d, err := b.build()
		if err != nil {
			return nil, fmt.Errorf("dashboard %s: %w", b.file, err)
		}
		var text bytes.Buffer
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		if err := e.Encode(d); err != nil {
			return nil, fmt.Errorf("dashboard %s: %w", b.file, err)
		}
		files[b.file] = text.Bytes()
	}
	return files, nil
}

func boards() []board {
	return []board{autoscaler(), resources(), application(), backtests()}
}

func (b board) build() (dashboard.Dashboard, error) {
	d := dashboard.NewDashboardBuilder(b.title).Uid(b.uid).Description(b.about).Tags([]string{"hindcast"}).
		Time(b.from, "now").Timezone("browser").Refresh("1m").Tooltip(dashboard.DashboardCursorSyncCrosshair).Editable().
		Link(dashboard.NewDashboardLinkBuilder("hindcast").Type(dashboard.DashboardLinkTypeDashboards).
			Tags([]string{"hindcast"}).AsDropdown(true).IncludeVars(true).KeepTime(true)).
		Variables(b.variables)
	id := uint32(0)
	for _, r := range b.rows {
		id++
		d.WithRow(dashboard.NewRowBuilder(r.title).Id(id))
		for _, p := range r.panels {
			id++
			d.WithPanel(p.build(id))
		}
	}
	return d.Build()
}

// The variables of the dashboards, in the order in which they depend on each other.

func datasource() cog.Builder[dashboard.VariableModel] {
	return dashboard.NewDatasourceVariableBuilder("datasource").Label("Data Source").Type("prometheus").
		Description("A Prometheus server, or a run behind `hindcast serve`.")
}

// values is a variable that has the values of a label.
func values(name, label, about, query string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(name).Label(label).Description(about).Datasource(promSource).
		Query(dashboard.StringOrMap{Map: map[string]any{"query": query, "refId": name}}).Definition(query).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortAlphabeticalAsc)
}

func namespace() cog.Builder[dashboard.VariableModel] {
	return values("namespace", "Namespace", "Where the Deployment is.", `label_values(kube_deployment_spec_replicas, namespace)`)
}

func deployment() cog.Builder[dashboard.VariableModel] {
	return values("deployment", "Deployment", "What is scaled.", `label_values(kube_deployment_spec_replicas{namespace="$namespace"}, deployment)`)
}

func policies() cog.Builder[dashboard.VariableModel] {
	return values("policy", "Policy", "Policies of a backtest; a cluster's series have none, and All shows them.",
		`label_values(kube_deployment_spec_replicas{namespace="$namespace",deployment="$deployment"}, policy)`).
		Multi(true).IncludeAll(true).AllValue(".*").Current(chosen("All", "$__all"))
}

func chosen(text, value string) dashboard.VariableOption {
	return dashboard.VariableOption{
		Selected: new(true), Text: dashboard.StringOrArrayOfString{String: &text}, Value: dashboard.StringOrArrayOfString{String: &value},
	}
}

// choice is a variable of fixed values, the first of which is chosen.
func choice(name, label, about string, options ...string) cog.Builder[dashboard.VariableModel] {
	text := strings.Join(options, ",")
	var all []dashboard.VariableOption
	for i, o := range options {
		option := chosen(o, o)
		option.Selected = new(i == 0)
		all = append(all, option)
	}
	return dashboard.NewCustomVariableBuilder(name).Label(label).Description(about).
		Values(dashboard.StringOrMap{String: &text}).Options(all).Current(chosen(options[0], options[0]))
}

func objective() cog.Builder[dashboard.VariableModel] {
	return choice("objective", "Objective", "The share of requests that is to be good.", "0.999", "0.9995", "0.9999", "0.995", "0.99", "0.95")
}

// latency has the bounds of buckets that an application is likely to have.
func latency() cog.Builder[dashboard.VariableModel] {
	return choice("latency", "Latency, s", "A request is good if it is answered within so many seconds, without an error of the server. It has to be the bound of a bucket.",
		"0.25", "0.1", "0.5", "1", "2.5", "5")
}

func price() cog.Builder[dashboard.VariableModel] {
	const usual = "0.05"
	return dashboard.NewTextBoxVariableBuilder("price").Label("Price").Description("Of a replica for an hour, in your currency.").
		DefaultValue(dashboard.StringOrMap{String: new(usual)}).Current(chosen(usual, usual))
}

var zero = new(0.0)

// Tooltips and legends of queries by policy.
const byPolicy = "{{policy}}"

// badShare is the share of requests that were not good within a range: not within the
// latency (bucket bounds may be written 1 or 1.0), or an error of the server. Time-outs
// (504) are late already. Where hardly any are late, what rates extrapolate for new pods
// may differ by more than there are: hence the clamp.
func badShare(window string) string {
	return `(clamp_min(sum by (policy) (rate(http_request_duration_seconds_count{@pod}[` + window + `]))` +
		` - sum by (policy) (rate(http_request_duration_seconds_bucket{@pod,le=~"$latency([.]0)?"}[` + window + `])), 0)` +
		` + sum by (policy) (rate(http_requests_total{@pod,code=~"5..",code!="504"}[` + window + `])))` +
		` / sum by (policy) (rate(http_requests_total{@pod}[` + window + `]))`
}

// burnRate is how many times faster than allowed the error budget is used.
func burnRate(window string) string { return badShare(window) + ` / (1 - $objective)` }
