package hindcast_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "hindcast.dev"

// rooms lists which of our packages each room may import directly. What is not
// listed may import nothing of ours.
var rooms = map[string][]string{
	"api/v1alpha1":        {"internal/suggest", "internal/strict"},
	"autoscaler":          {"policy", "forecast", "api/v1alpha1", "internal/sources"},
	"backtest":            {"*", "!live", "!reports", "!cmd"},
	"backtest/gate":       {"backtest/result", "forecast", "internal/strict"},
	"backtest/policytest": {"*", "!live", "!reports", "!cmd"},
	"datasets":            {"internal/suggest"},
	"datasets/exporter":   {"datasets"},
	"datasets/importer":   {"datasets", "internal/suggest"},
	"live":                {"autoscaler", "policy", "forecast", "api/v1alpha1", "internal/metricnames", "live/promclient", "live/external", "live/keda"},
	"live/liveread":       {"internal/metricnames", "live/liveview", "live/promclient"},
	"live/keda":           {"live/external", "live/keda/externalscaler"},
	"grafana/generate":    {"grafana"},
	"grafana/pictures":    {"grafana", "promdb", "backtest/result", "reports"},
	"internal/peertest":   {"internal/promtest"},
	"internal/strict":     {"internal/suggest"},
	"policy":              {"forecast", "api/v1alpha1"},
	"promdb":              {"datasets"},
	"promdb/promapi":      {"promdb"},
	"record":              {"datasets", "live/promclient", "promdb"},
	"record/remoteread":   {"live/promclient"},
	"reports":             {"backtest/result", "live/liveview"},
	"cmd/hindcast":        {"*"},
	// The image links nothing of the simulator.
	"cmd/hindcast-controller": {"cmd/liveflags", "cmd/usage"},
	"cmd/usage":               {"internal/suggest"},
	"cmd/liveflags":           {"live", "live/promclient", "api/v1alpha1"},
}

// thirdParties lists every module that the house imports, and where; the first prefix
// that fits decides.
var thirdParties = []struct {
	prefix string
	rooms  []string
	why    string
}{
	{"github.com/prometheus/prometheus/tsdb/chunkenc", []string{"record/remoteread"}, "only remote reads have chunks outside a database"},
	{"github.com/prometheus/prometheus/prompb", []string{"record/remoteread", "internal/peertest"}, "only remote reads, and tests that write, have messages"},
	{"github.com/golang/snappy", []string{"record/remoteread", "internal/peertest"}, "only the messages are packed so"},
	{"github.com/prometheus/prometheus/tsdb", []string{"promdb", "promdb/promapi"}, "storage stays behind promdb"},
	{"github.com/prometheus/prometheus/promql/parser", []string{"promdb", "promdb/promapi", "cmd/hindcast", "backtest", "backtest/policytest", "policy", "live/promclient", "record/remoteread", "internal/sources"}, "the parser validates queries"},
	{"github.com/prometheus/prometheus/config", nil, "it links the SDKs of every cloud"},
	{"github.com/prometheus/prometheus/web", nil, "it links OTLP receivers and OpenAPI; promapi answers"},
	{"github.com/prometheus/prometheus/model/labels", []string{"promdb", "promdb/promapi", "live/promclient", "record/remoteread"}, "matchers are what a parsed query is made of"},
	{"github.com/prometheus/prometheus", []string{"promdb", "promdb/promapi"}, "the engine stays behind promdb"},
	{"github.com/prometheus/common/model", []string{"promdb", "promdb/promapi", "live/promclient"}, "names of series are promdb's, and the answers of a server promclient's"},
	{"github.com/prometheus/common/config", []string{"live/promclient"}, "credentials and certificates are promclient's"},
	{"github.com/prometheus/client_golang/api", []string{"live/promclient"}, "only promclient asks a server"},
	{"golang.org/x/sync/singleflight", []string{"live/promclient"}, "only promclient shares answers as they come"},
	{"golang.org/x/time/rate", []string{"live/promclient"}, "only promclient limits rates"},
	{"github.com/prometheus/client_golang/prometheus", []string{"live"}, "only what runs for long exposes metrics"},
	{"google.golang.org/grpc", []string{"live/keda", "live/keda/externalscaler"}, "only KEDA is talked to by gRPC"},
	{"google.golang.org/protobuf", []string{"live/keda/externalscaler"}, "only KEDA is talked to by gRPC"},
	{"github.com/google/go-containerregistry", []string{"cmd/hindcast-controller"}, "only what builds the image for tests serves a registry"},
	{"github.com/bufbuild/protocompile", []string{"live/keda/externalscaler"}, "only its generator reads .proto files"},
	{"github.com/go-logr/logr", []string{"live"}, "controller-runtime logs by it; everybody else by slog"},
	{"k8s.io/klog", []string{"live"}, "client-go logs by it; everybody else by slog"},
	{"k8s.io/metrics", []string{"live", "live/external"}, "only live reads the resource metrics API, and serves the external one"},
	{"k8s.io/client-go", []string{"live", "cmd/liveflags", "internal/clustertest"}, "only live talks to a cluster"},
	{"sigs.k8s.io/controller-runtime", []string{"live", "live/external", "cmd/liveflags", "internal/clustertest"}, "only live talks to a cluster"},
	{"k8s.io/api", []string{"api/v1alpha1", "policy", "sim", "backtest", "backtest/policytest", "live", "live/external", "cmd/hindcast", "internal/clustertest"}, "Kubernetes types stay where objects are read"},
	{"k8s.io/apimachinery", []string{"api/v1alpha1", "policy", "backtest", "backtest/policytest", "live", "live/external", "cmd/hindcast", "internal/clustertest"}, "Kubernetes types stay where objects are read"},
	{"gonum.org/v1/plot", []string{"reports"}, "only reports draw"},
	{"gonum.org/v1/gonum", []string{"forecast", "policy", "sim"}, "numbers are worked out in the inner rooms"},
	{"github.com/grafana/grafana-foundation-sdk", []string{"grafana"}, "dashboards are described in one room"},
	{"github.com/urfave/cli/v2", []string{"cmd/hindcast", "cmd/hindcast-controller", "cmd/liveflags", "cmd/usage"}, "only cmd has flags"},
	{"golang.org/x/term", []string{"cmd/hindcast"}, "only cmd has a terminal"},
	{"golang.org/x/sync/errgroup", []string{"backtest"}, "only whole runs are parallel"},
	{"go.yaml.in/yaml/v3", []string{"internal/strict", "record/remoteread"}, "YAML of users is read strictly; that of servers is not ours"},
	{"sigs.k8s.io/yaml", []string{"datasets", "cmd/hindcast"}, "YAML of users is read strictly"},
}

// tsdbPackages are the packages of the TSDB that promdb may use; the others promise
// even less.
var tsdbPackages = []string{
	"github.com/prometheus/prometheus/tsdb",
	"github.com/prometheus/prometheus/tsdb/index",
	"github.com/prometheus/prometheus/tsdb/record",
	"github.com/prometheus/prometheus/tsdb/wlog",
}

// transitiveBans lists what a room's binary must never link, however indirectly.
var transitiveBans = map[string][]string{
	// The parser of queries links packages below the TSDB.
	"autoscaler":              {module + "/sim", module + "/promdb", module + "/backtest", "github.com/prometheus/prometheus/tsdb$", "github.com/prometheus/prometheus/promql$"},
	"cmd/hindcast-controller": {module + "/sim", module + "/promdb", module + "/backtest", module + "/datasets", module + "/reports", "github.com/prometheus/prometheus/tsdb$", "github.com/prometheus/prometheus/promql$"},
	"live":                    {module + "/sim", module + "/promdb", module + "/backtest", module + "/datasets", "github.com/prometheus/prometheus/tsdb$", "github.com/prometheus/prometheus/promql$"},
	"policy":                  {module + "/sim", module + "/promdb", module + "/backtest", "github.com/prometheus/prometheus/tsdb"},
	"reports":                 {module + "/sim", module + "/promdb", module + "/policy", module + "/forecast", module + "/live$", module + "/live/liveread", module + "/live/promclient"},
	"live/liveread":           {module + "/sim", module + "/promdb", module + "/backtest", module + "/policy", module + "/live$", "github.com/prometheus/prometheus/tsdb$"},
	"sim":                     {module + "/policy", module + "/promdb", "github.com/prometheus/prometheus"},
	"backtest/gate":           {module + "/backtest$", module + "/sim", module + "/promdb"},
	"backtest/result":         {module + "/backtest$"},
	// It is in the controller's image.
	"live/promclient": {module + "/sim", module + "/promdb", module + "/backtest", module + "/policy",
		"github.com/prometheus/prometheus/tsdb$", "github.com/prometheus/prometheus/promql$", "github.com/prometheus/prometheus/web"},
}

type goFile struct {
	room    string
	path    string
	syntax  *ast.File
	fileset *token.FileSet
}

// sources returns the non-test Go files of this module, tools and hidden folders left
// out.
func sources(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "tools" || name == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		syntax, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, goFile{filepath.ToSlash(filepath.Dir(path)), path, syntax, fset})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("found only %d Go files: the walls were not checked", len(files))
	}
	return files
}

func allowed(room, target string) bool {
	rules := rooms[room]
	for _, rule := range rules {
		if no, ok := strings.CutPrefix(rule, "!"); ok && (target == no || strings.HasPrefix(target, no+"/")) {
			return false
		}
	}
	return slices.Contains(rules, "*") || slices.Contains(rules, target)
}

func TestWallsBetweenRooms(t *testing.T) {
	for _, f := range sources(t) {
		for _, imp := range f.syntax.Imports {
			path, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			pos := f.fileset.Position(imp.Pos())
			if target, ok := strings.CutPrefix(path, module+"/"); ok {
				if !allowed(f.room, target) {
					t.Errorf("%s: %s may not import %s", pos, f.room, target)
				}
				continue
			}
			if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
				if why := strangerIn(f.room, path); why != "" {
					t.Errorf("%s: %s may not import %s: %s", pos, f.room, path, why)
				}
			}
		}
	}
}

// strangerIn returns why a room may not import a package of another module, or
// nothing if it may.
func strangerIn(room, path string) string {
	for _, tp := range thirdParties {
		if path != tp.prefix && !strings.HasPrefix(path, tp.prefix+"/") {
			continue
		}
		if !slices.Contains(tp.rooms, room) {
			return tp.why
		}
		if tp.prefix == tsdbPackages[0] && !slices.Contains(tsdbPackages, path) {
			return "not one of the TSDB's packages that promdb may use"
		}
		return ""
	}
	return "it has no row in the table of third parties (and in docs/adr/0002-dependencies.md)"
}

func TestWallsHoldTransitively(t *testing.T) {
	for room, bans := range transitiveBans {
		out, err := exec.Command("go", "list", "-deps", "./"+room).Output()
		if err != nil {
			t.Fatalf("go list -deps ./%s: %v", room, err)
		}
		for dep := range strings.FieldsSeq(string(out)) {
			for _, ban := range bans {
				exact, isExact := strings.CutSuffix(ban, "$")
				if dep == exact || (!isExact && strings.HasPrefix(dep, ban+"/")) {
					t.Errorf("%s links %s", room, dep)
				}
			}
		}
	}
}

// isEdge reports whether a room is where the program meets the terminal and the clock,
// or serves tests only.
func isEdge(room string) bool {
	first, _, _ := strings.Cut(room, "/")
	return first == "cmd" || first == "live" || first == "scripts" || room == "internal/promtest" || room == "internal/peertest" || room == "internal/clustertest" || room == "grafana/generate" || room == "grafana/pictures"
}

// TestOnlyTheEdgesTouchTheWorld holds laws 1 and 2 of the house: no clock, no print,
// no exit, no listening, and no goroutine outside cmd, live, scripts and, between runs, backtest.
func TestOnlyTheEdgesTouchTheWorld(t *testing.T) {
	banned := map[string][]string{
		"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"},
		"fmt":  {"Print", "Printf", "Println"},
		"os":   {"Exit"},
		"net":  {"Listen", "ListenConfig", "ListenPacket", "ListenTCP", "ListenUnix"},
		"http": {"ListenAndServe", "ListenAndServeTLS", "Serve", "ServeTLS", "Server"},
		"log":  {"Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Print", "Printf", "Println"},
	}
	for _, f := range sources(t) {
		if isEdge(f.room) {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if pkg, ok := n.X.(*ast.Ident); ok && slices.Contains(banned[pkg.Name], n.Sel.Name) {
					t.Errorf("%s: %s.%s outside live and cmd", f.fileset.Position(n.Pos()), pkg.Name, n.Sel.Name)
				}
			case *ast.GoStmt:
				if f.room != "backtest" {
					t.Errorf("%s: a goroutine outside backtest, live and cmd", f.fileset.Position(n.Pos()))
				}
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s: init function", f.fileset.Position(n.Pos()))
				}
			}
			return true
		})
	}
}
