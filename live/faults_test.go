package live_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/live"
	"hindcast.dev/live/promclient"
)

// A broken server answers a load of 95, from twelve targets, until it is told to fail, and
// repeats the credentials that it was sent in what it says then.
type broken struct {
	mu   sync.Mutex
	fail func(w http.ResponseWriter, r *http.Request)
}

func (b *broken) set(fail func(http.ResponseWriter, *http.Request)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = fail
}

func (b *broken) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	fail := b.fail
	b.mu.Unlock()
	if fail != nil {
		fail(w, r)
		return
	}
	number := func(name string) float64 {
		v, _ := strconv.ParseFloat(r.FormValue(name), 64)
		return v
	}
	if !strings.HasSuffix(r.URL.Path, "/query_range") {
		value := 95
		if counts(r) {
			value = 12
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%f,"%d"]}]}}`, number("time"), value)
		return
	}
	var values []string
	for at, end, step := number("start"), number("end"), number("step"); step > 0 && at <= end+1e-3; at += step {
		values = append(values, fmt.Sprintf(`[%f,"95"]`, at))
	}
	fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[%s]}]}}`, strings.Join(values, ","))
}

// counts reports whether a request asks for the number of targets.
func counts(r *http.Request) bool { return strings.HasPrefix(r.FormValue("query"), "count(") }

// A notebook keeps what is logged.
type notebook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (n *notebook) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(b)
}

func (n *notebook) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// TestBrokenPrometheus: a server that is slow, fails, refuses, or answers what is no
// answer: nothing is scaled down, it is seen in condition, event and metric, it ends when
// the server is well again, and the token that it was sent, and repeats, is nowhere in log,
// status, events, metrics or decision log.
func TestBrokenPrometheus(t *testing.T) {
	t.Parallel()
	const token = "planted-4711-credential"
	says := func(code int, text string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(code)
			fmt.Fprintf(w, text, r.Header.Get("Authorization"))
		}
	}
	for name, fault := range map[string]func(http.ResponseWriter, *http.Request){
		"slow": func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-time.After(10 * time.Second):
			}
			says(500, "late, %s")(w, r)
		},
		"500":         says(500, `you sent %s`),
		"401":         says(401, `{"status":"error","errorType":"unauthorized","error":"no right for %s"}`),
		"422":         says(422, `{"status":"error","errorType":"execution","error":"too many samples for %s"}`),
		"not JSON":    says(200, `<html>sign in, %s</html>`),
		"a part only": says(200, `{"status":"success","warnings":["half the stores are away from %s"],"data":{"resultType":"vector","result":[{"metric":{},"value":[1,"40"]}]}}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b broken
			server := httptest.NewServer(&b)
			t.Cleanup(server.Close)
			dir := t.TempDir()
			file := filepath.Join(dir, "token")
			if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
				t.Fatal(err)
			}
			asks := guarded(t, promclient.Config{URL: server.URL, BearerTokenFile: file, Timeout: 2 * time.Second, Retries: -1})
			log, decisions := new(notebook), filepath.Join(dir, "decisions")
			f := start(t, asks, func(cfg *live.Config) {
				cfg.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				cfg.DecisionLog = func(string, string) (io.WriteCloser, error) {
					return os.OpenFile(decisions, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
				}
			})
			f.deployment("shop", 2)
			s := f.scaler("shop", "shop", v1alpha1.ModeActive)
			s.Spec.Safety.StaleAfter = &metav1.Duration{Duration: 5 * time.Second}
			f.create(s)
			f.want("replicas", 10, func() int32 { return f.replicas("shop") })
			b.set(fault)
			f.condition("shop", v1alpha1.ConditionFresh, metav1.ConditionFalse, "NoCurrentData")
			f.event("shop", "NoCurrentData")
			if n := f.replicas("shop"); n != 10 {
				t.Errorf("%d replicas, want the 10 that there were", n)
			}
			if v, ok := f.gauge("hindcast_scaler_query_errors_total", map[string]string{"scaler": "shop"}); !ok || v == 0 {
				t.Errorf("%v failed queries, %v", v, ok)
			}
			b.set(nil)
			f.condition("shop", v1alpha1.ConditionFresh, metav1.ConditionTrue, "Current")
			if err := f.stop(); err != nil {
				t.Fatal(err)
			}
			for what, text := range f.said(log.String(), decisions) {
				if len(text) < 10 {
					t.Errorf("%s: nothing to search in: %q", what, text)
				}
				if strings.Contains(text, token) {
					t.Errorf("%s holds the token: %s", what, text)
				}
			}
		})
	}
}

// said is all that a controller tells.
func (f *fixture) said(log, decisions string) map[string]string {
	f.t.Helper()
	asJSON := func(v any, err error) string {
		f.t.Helper()
		text, marshalErr := json.Marshal(v)
		if err := errors.Join(err, marshalErr); err != nil {
			f.t.Fatal(err)
		}
		return string(text)
	}
	recorded, err := os.ReadFile(decisions)
	if err != nil {
		f.t.Fatal(err)
	}
	s := &v1alpha1.PredictiveScaler{}
	f.get("shop", s)
	events, err := f.cluster.Client(f.t).EventsV1().Events(f.ns).List(f.t.Context(), metav1.ListOptions{})
	families, gatherErr := f.reg.Gather()
	return map[string]string{
		"log": log, "decision log": string(recorded), "object": asJSON(s, nil),
		"events": asJSON(events, err), "metrics": asJSON(families, gatherErr),
	}
}

// refusing returns a configuration of which the first n updates of a scale are answered
// by the API server's refusal with code.
func refusing(c *rest.Config, n int32, code int, reason metav1.StatusReason, refused *atomic.Int32) *rest.Config {
	out := rest.CopyConfig(c)
	out.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodPut || !strings.HasSuffix(r.URL.Path, "/scale") || refused.Load() >= n {
				return next.RoundTrip(r)
			}
			refused.Add(1)
			body, err := json.Marshal(metav1.Status{
				TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure,
				Code: int32(code), Reason: reason, Message: "refused by the test",
			})
			if err != nil {
				return nil, err
			}
			header := http.Header{"Content-Type": {"application/json"}}
			return &http.Response{StatusCode: code, Status: http.StatusText(code), Header: header, Body: io.NopCloser(strings.NewReader(string(body))), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}, nil
		})
	})
	return out
}

// TestRefusedUpdates: a conflict, or an API server that throttles, is no end: it is seen
// in the condition, and the next decision scales.
func TestRefusedUpdates(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		code   int
		reason metav1.StatusReason
	}{{http.StatusConflict, metav1.StatusReasonConflict}, {http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests}} {
		t.Run(strconv.Itoa(tc.code), func(t *testing.T) {
			t.Parallel()
			f := cluster(t)
			var refused atomic.Int32
			f.run(refusing(f.cluster.Config, 1, tc.code, tc.reason, &refused), level(95), nil)
			f.deployment("shop", 2)
			f.create(f.scaler("shop", "shop", v1alpha1.ModeActive))
			f.condition("shop", v1alpha1.ConditionAbleToScale, metav1.ConditionFalse, "FailedUpdateScale")
			if n, ok := f.gauge("hindcast_scaler_scale_errors_total", map[string]string{"scaler": "shop"}); !ok || n != 1 {
				t.Errorf("%v errors of scaling, %v", n, ok)
			}
			f.want("replicas by the next decision", 10, func() int32 { return f.replicas("shop") })
			f.condition("shop", v1alpha1.ConditionAbleToScale, metav1.ConditionTrue, "ReadyForNewScale")
			if n := refused.Load(); n != 1 {
				t.Errorf("%d were refused", n)
			}
		})
	}
}

// TestTargetGoes: what is scaled is deleted, and comes back.
func TestTargetGoes(t *testing.T) {
	t.Parallel()
	f := start(t, level(95), nil)
	f.deployment("shop", 2)
	f.create(f.scaler("shop", "shop", v1alpha1.ModeActive))
	f.want("replicas", 10, func() int32 { return f.replicas("shop") })
	d := &appsv1.Deployment{}
	f.get("shop", d)
	if err := f.client.Delete(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	f.condition("shop", v1alpha1.ConditionAbleToScale, metav1.ConditionFalse, "FailedGetScale")
	f.deployment("shop", 3)
	f.want("replicas of the new one", 10, func() int32 { return f.replicas("shop") })
	f.condition("shop", v1alpha1.ConditionAbleToScale, metav1.ConditionTrue, "ReadyForNewScale")
}

// TestHPAGoes: an HPA whose floor is raised is deleted; a new one has its floor raised
// from its own minReplicas, and a scaler whose HPA is gone can be deleted.
func TestHPAGoes(t *testing.T) {
	t.Parallel()
	f := raised(t, 3)
	remove := func() {
		t.Helper()
		h := &autoscalingv2.HorizontalPodAutoscaler{}
		f.get("shop", h)
		if err := f.client.Delete(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		f.condition("shop", v1alpha1.ConditionActive, metav1.ConditionFalse, "HPANotFound")
	}
	remove()
	f.hpa("shop", "shop", 4, 20)
	f.want("the floor of the new one", 10, func() int32 { return f.floor("shop") })
	h := &autoscalingv2.HorizontalPodAutoscaler{}
	f.get("shop", h)
	if h.Annotations[v1alpha1.AnnotationOriginal] != "4" {
		t.Errorf("annotations %v, want the new one's own 4", h.Annotations)
	}
	remove()
	f.deleteScaler("shop")
}

// TestTwoWritersOfAStatus: what somebody else wrote into a status does not keep ours from
// being written, all of it, and moves no replicas. While nobody else writes and nothing
// new is to be said, nothing is written.
func TestTwoWritersOfAStatus(t *testing.T) {
	t.Parallel()
	p := level(95)
	f := cluster(t)
	var writes atomic.Int32
	f.run(observed(f.cluster.Config, func(r *http.Request) error {
		if r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/status") {
			writes.Add(1)
		}
		return nil
	}), p, nil)
	f.deployment("shop", 2)
	f.create(f.scaler("shop", "shop", v1alpha1.ModeActive))
	f.want("replicas in the status", 10, func() int32 { return f.status("shop").CurrentReplicas })
	decisions := func() int { return int(f.decisions("shop")) }
	writesBefore, before := writes.Load(), decisions()
	f.eventually("two quiet decisions", func() error {
		if n := decisions() - before; n < 2 {
			return fmt.Errorf("%d", n)
		}
		return nil
	})
	if n := writes.Load() - writesBefore; n > 1 {
		t.Errorf("the status was written %d times in two decisions that said nothing new", n)
	}
	f.eventually("a foreign write", func() error {
		s := &v1alpha1.PredictiveScaler{}
		f.get("shop", s)
		s.Status.DesiredReplicas, s.Status.Conditions = 1, nil
		return f.client.Status().Update(t.Context(), s)
	})
	p.set(nil, func(time.Time) float64 { return 155 })
	f.eventually("our wish again", func() error {
		if n := f.status("shop").DesiredReplicas; n < 16 {
			return fmt.Errorf("%d, want 16 or more", n)
		}
		return nil
	})
	f.condition("shop", v1alpha1.ConditionActive, metav1.ConditionTrue, "Running")
	if n := f.replicas("shop"); n < 16 {
		t.Errorf("%d replicas, want 16 or more", n)
	}
}

// TestNamespaceIsForgotten once its last scaler is gone, not before.
func TestNamespaceIsForgotten(t *testing.T) {
	t.Parallel()
	p := level(95)
	f := start(t, p, nil)
	forgotten := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return slices.Contains(p.left, f.ns)
	}
	for _, name := range []string{"shop", "bank"} {
		f.deployment(name, 2)
		f.create(f.scaler(name, name, v1alpha1.ModeShadow))
		f.want("the wish", 10, func() int32 { return f.status(name).DesiredReplicas })
	}
	labels := map[string]string{"scaler": "shop"}
	f.deleteScaler("shop")
	f.eventually("its series are gone", func() error {
		if _, ok := f.gauge("hindcast_scaler_desired_replicas", labels); ok {
			return errors.New("still there")
		}
		return nil
	})
	if forgotten() {
		t.Error("forgotten with a scaler left")
	}
	if err := f.client.Get(t.Context(), client.ObjectKey{Namespace: f.ns, Name: "bank"}, &v1alpha1.PredictiveScaler{}); err != nil {
		t.Fatal(err)
	}
	f.deleteScaler("bank")
	f.eventually("the namespace is forgotten", func() error {
		if !forgotten() {
			return errors.New("not yet")
		}
		return nil
	})
}
