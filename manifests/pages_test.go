package manifests_test

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hindcast.dev/internal/promtest"
)

// A page is one whose commands are run in their order, as written but for what reader.run says.
type page struct {
	path string
	// given makes what the page takes for granted.
	given func(*reader)
	// after looks at what a command left, which begins so.
	after map[string]func(*reader)
}

var pages = []page{
	{path: "QUICKSTART.md", after: map[string]func(*reader){
		"bin/hindcast backtest": func(r *reader) { r.has("run-sample/report.html") },
		"./scripts/setup-monitoring.sh --uninstall": func(r *reader) {
			if out := r.shell("kubectl get deployments,statefulsets,daemonsets -A -o name"); strings.Contains(out, "/") {
				r.t.Errorf("left over: %s", out)
			}
		},
	}},
	{
		path:  "docs/PROMETHEUS_SETUP.md",
		given: func(r *reader) { r.cluster().Install(r.t, "testdata/crds") },
		after: map[string]func(*reader){
			// Who applies by Git has no Secret of the scripts.
			"./scripts/setup-monitoring.sh --with-sample --uninstall": func(r *reader) { r.shell("kubectl delete secret -n monitoring grafana-admin") },
			"head -c 24 /dev/urandom": func(r *reader) {
				if out := r.shell("./scripts/install-grafana.sh --dry-run"); !strings.Contains(out, "not made by these scripts: it is used") {
					r.t.Errorf("Grafana does not take that Secret:\n%s", out)
				}
			},
		},
	},
	{path: "docs/GRAFANA_DASHBOARDS.md", after: map[string]func(*reader){
		"bin/hindcast serve": func(r *reader) { r.hasNow("kube_deployment_spec_replicas") },
	}},
	{path: "docs/dashboards.md", after: map[string]func(*reader){
		"hindcast backtest": func(r *reader) { r.has("run-weeks/report.html") },
	}},
	{
		path: "README.md",
		given: func(r *reader) {
			r.copies("examples/hpa.yaml", "hpa.yaml")
			r.file("load.csv", dayAsCSV(time.Date(2026, 1, 9, 18, 0, 0, 0, time.UTC)))
		},
		after: map[string]func(*reader){"bin/hindcast backtest": func(r *reader) { r.has("run/report.html") }},
	},
	{
		path: "docs/recording.md",
		given: func(r *reader) {
			dir := r.t.TempDir()
			promtest.Backfill(r.t, dir, dayAsCounter(time.Now()))
			r.instead[usualServer] = promtest.Start(r.t, dir).URL()
			r.instead["--since 14d"] = "--since 1d"
		},
		after: map[string]func(*reader){"hindcast backtest": func(r *reader) { r.has("run/report.html") }},
	},
	{
		path: "docs/datasets.md",
		given: func(r *reader) {
			dir := r.t.TempDir()
			promtest.Backfill(r.t, dir, dayAsCounter(time.Now()))
			r.instead["/var/lib/prometheus/data"] = dir
		},
		after: map[string]func(*reader){"hindcast backtest": func(r *reader) { r.has("run/report.html") }},
	},
	{
		path: "docs/live.md",
		given: func(r *reader) {
			r.copies("examples/predictivescaler.yaml", "shop.yaml")
			r.scaledFor("shop.yaml", "shop")
		},
		after: map[string]func(*reader){
			// Its Deployment is not there, which the controller has to notice.
			"kubectl apply -f shop.yaml": func(r *reader) {
				r.shell("kubectl wait --for=condition=Active=false --timeout=2m predictivescaler/shop")
			},
			"hindcast report --live --prometheus http://localhost:9090 --namespace default": func(r *reader) { r.has("shop-week/report.html") },
			"hindcast report --live --prometheus http://localhost:9090 --scaler shop.yaml":  func(r *reader) { r.has("shop.html") },
		},
	},
	{
		path:  "docs/ci-gate.md",
		given: func(r *reader) { r.file("load.csv", dayAsCSV(time.Date(2026, 1, 9, 18, 0, 0, 0, time.UTC))) },
		after: map[string]func(*reader){"hindcast forecast eval": func(r *reader) { r.has("eval.json") }},
	},
	{
		path: "docs/PREDICTIVE_SCALING.md",
		given: func(r *reader) {
			_, manifest, _ := strings.Cut(text(r.t, "docs/PREDICTIVE_SCALING.md"), "```yaml\n")
			manifest, _, _ = strings.Cut(manifest, "```")
			r.file("shop-scaler.yaml", manifest)
			hpa := text(r.t, "examples/hpa.yaml")
			r.file("shop-hpa.yaml", strings.Replace(hpa, "namespace: default", "namespace: shop", 1))
			r.scaledFor("shop-scaler.yaml", "shop")
			r.instead["--since 14d"] = "--since 23h"
			// The time has to be one of the recording.
			r.instead["2026-01-09 13:05"] = time.Now().UTC().Add(-2 * time.Hour).Format("2006-01-02 15:04")
			r.shell("kubectl create namespace shop && kubectl apply -k manifests/crd")
		},
		after: map[string]func(*reader){
			"bin/hindcast explain": func(r *reader) {
				// The scaler of the page finds the load where its queries look for it.
				if out := r.shell("bin/hindcast explain run-shop --at '2026-01-09 13:05' --policy shop"); strings.Contains(out, "no data") {
					r.t.Errorf("%s", out)
				}
			},
			"bin/hindcast report --live": func(r *reader) { r.has("shop-week/report.html") },
		},
	},
}

// TestPages runs every command of the pages, and looks at what those left that it knows, which have
// to be there.
func TestPages(t *testing.T) {
	hindcast := filepath.Join(t.TempDir(), "hindcast")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", hindcast, "../cmd/hindcast").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, p := range pages {
		t.Run(strings.TrimSuffix(filepath.Base(p.path), ".md"), func(t *testing.T) {
			lines := commands(t, p.path)
			if len(lines) == 0 {
				t.Fatal("no commands")
			}
			for prefix := range p.after {
				if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, prefix) }) {
					t.Errorf("the page has no command %s", prefix)
				}
			}
			r := newReader(t, hindcast)
			if p.given != nil {
				p.given(r)
			}
			for _, line := range lines {
				t.Log(line)
				r.run(line)
				for _, prefix := range slices.Sorted(maps.Keys(p.after)) {
					if strings.HasPrefix(line, prefix) {
						p.after[prefix](r)
					}
				}
			}
		})
	}
	t.Run("options", func(t *testing.T) { optionsExist(t, hindcast) })
}

// commands returns the commands of the shell blocks of a page, without the comments behind them.
func commands(t *testing.T, path string) []string {
	t.Helper()
	var lines []string
	for _, block := range shellBlock.FindAllStringSubmatch(text(t, path), -1) {
		for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", " ")) {
			line, _, _ = strings.Cut(strings.Join(strings.Fields(line), " "), " # ")
			lines = append(lines, line)
		}
	}
	return lines
}

var shellBlock = regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```$")

func text(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPagesHaveNoOtherCommands: a command that is written otherwise than in a shell block would
// not be run.
func TestPagesHaveNoOtherCommands(t *testing.T) {
	other := regexp.MustCompile("(?m)^(    (?:bin/|\\./)?(?:hindcast|kubectl|make|scripts/|go) .*|```(?:bash|console|shell)?\n(?:\\$ )?(?:bin/|\\./)?(?:hindcast|kubectl|make|scripts/|go) .*)$")
	for _, p := range pages {
		for _, found := range other.FindAllString(text(t, p.path), -1) {
			t.Errorf("%s: %s is in no block of ```sh", p.path, found)
		}
	}
}

// optionsExist wants the commands in the pages, those in the midst of the text too, to have the
// options that the programs have.
func optionsExist(t *testing.T, hindcast string) {
	t.Helper()
	r := newReader(t, hindcast)
	paths := []string{"docs/V3_ARCHITECTURE.md"}
	for _, p := range pages {
		paths = append(paths, p.path)
	}
	inText := regexp.MustCompile("`((?:\\./)?scripts/[^`]* -[^`]*|(?:bin/)?hindcast [^`]* -[^`]*)`")
	checked := 0
	for _, path := range paths {
		lines := commands(t, path)
		for _, m := range inText.FindAllStringSubmatch(text(t, path), -1) {
			lines = append(lines, m[1])
		}
		for _, line := range lines {
			words := strings.Fields(line)
			help := words[:1]
			switch {
			case strings.TrimPrefix(words[0], "bin/") == "hindcast":
				help = words[:2]
				if words[1] == "forecast" || words[1] == "datasets" {
					help = words[:3]
				}
			case strings.Contains(words[0], "scripts/"):
			default:
				continue
			}
			out := r.shell(strings.Join(help, " ") + " --help")
			for _, word := range words {
				if flag, _, _ := strings.Cut(word, "="); strings.HasPrefix(flag, "-") {
					checked++
					if !regexp.MustCompile(`(^|[\s,])` + regexp.QuoteMeta(flag) + `[\s,]`).MatchString(out) {
						t.Errorf("%s: %s: no option %s", path, line, flag)
					}
				}
			}
		}
	}
	if checked < 15 {
		t.Errorf("checked only %d options", checked)
	}
}

// dayAsCSV returns a day of load up to an instant.
func dayAsCSV(until time.Time) string {
	var b strings.Builder
	b.WriteString("timestamp,value\n")
	for at := until.Add(-24 * time.Hour); at.Before(until); at = at.Add(time.Minute) {
		fmt.Fprintf(&b, "%s,%.1f\n", at.Format(time.RFC3339), loadAt(at))
	}
	return b.String()
}

// dayAsCounter returns a day of requests up to an instant, counted, in the OpenMetrics format.
func dayAsCounter(until time.Time) []byte {
	var b bytes.Buffer
	const scrape = 15 * time.Second
	total := 0.
	for at := until.Add(-24 * time.Hour); at.Before(until); at = at.Add(scrape) {
		total += loadAt(at) * scrape.Seconds()
		fmt.Fprintf(&b, "http_requests_total{namespace=\"shop\"} %.1f %d\n", total, at.Unix())
	}
	b.WriteString("# EOF\n")
	return b.Bytes()
}

func loadAt(at time.Time) float64 { return 120 + 80*math.Sin(2*math.Pi*float64(at.Unix()%86400)/86400) }

// has wants a file in the folder of the reader.
func (r *reader) has(file string) {
	r.t.Helper()
	if _, err := os.Stat(filepath.Join(r.dir, file)); err != nil {
		r.t.Error(err)
	}
}

func (r *reader) file(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *reader) copies(from, to string) {
	r.t.Helper()
	r.file(to, text(r.t, from))
}

// scaledFor has at localhost:9090 a Prometheus server with a day of the scaler of a manifest: of its backtest.
func (r *reader) scaledFor(manifest, name string) {
	r.t.Helper()
	r.file("before.csv", dayAsCSV(time.Now()))
	r.shell("hindcast backtest --data before.csv --policies hpa --scaler " + manifest + " --peak-pods 4 --equal-sla=false --metrics all -o before")
	r.instead[usualServer] = promtest.Start(r.t, filepath.Join(r.dir, "before", "tsdb", name)).URL()
}

// hasNow wants series of now behind what `hindcast serve` serves.
func (r *reader) hasNow(query string) {
	r.t.Helper()
	if out := r.shell(fmt.Sprintf(`curl -sS --fail %s/api/v1/query --data-urlencode 'query=%s' --data-urlencode "time=$(date +%%s)"`, r.served, query)); !strings.Contains(out, `"value":[`) {
		r.t.Errorf("%s: %s", query, out)
	}
}
