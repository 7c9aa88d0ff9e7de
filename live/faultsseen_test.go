package live_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/live"
	"hindcast.dev/live/promclient"
)

// A scene is a scaler at work, with a lever for every fault.
type scene struct {
	*fixture
	prometheus broken
	refuse     atomic.Int32 // the code by which updates of a scale are refused; 0: they are not
	ahead      atomic.Int64 // by which the wall clock is wrong
}

// refusing returns a configuration whose updates of scales the API server seems to refuse.
func (s *scene) refusing(c *rest.Config) *rest.Config {
	out := rest.CopyConfig(c)
	out.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			code := int(s.refuse.Load())
			if code == 0 || r.Method != http.MethodPut || !strings.HasSuffix(r.URL.Path, "/scale") {
				return next.RoundTrip(r)
			}
			reason := metav1.StatusReasonConflict
			if code == http.StatusTooManyRequests {
				reason = metav1.StatusReasonTooManyRequests
			}
			body, err := json.Marshal(metav1.Status{
				TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure,
				Code: int32(code), Reason: reason, Message: "refused by the test",
			})
			if err != nil {
				return nil, err
			}
			return &http.Response{
				StatusCode: code, Status: http.StatusText(code), Header: http.Header{"Content-Type": {"application/json"}},
				Body: io.NopCloser(strings.NewReader(string(body))), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			}, nil
		})
	})
	return out
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{fixture: cluster(t)}
	server := httptest.NewServer(&s.prometheus)
	t.Cleanup(server.Close)
	asks := guarded(t, promclient.Config{URL: server.URL, Timeout: 2 * time.Second, Retries: -1})
	began := time.Now()
	s.run(s.refusing(s.cluster.Config), asks, func(cfg *live.Config) {
		cfg.ReadClock(func() (time.Time, time.Duration) {
			now := time.Now()
			return now.Round(0).Add(time.Duration(s.ahead.Load())), now.Sub(began)
		})
	})
	s.deployment("shop", 2)
	scaler := s.scaler("shop", "shop", v1alpha1.ModeActive)
	scaler.Spec.Safety.StaleAfter = &metav1.Duration{Duration: 5 * time.Second}
	s.create(scaler)
	s.want("replicas", 10, func() int32 { return s.replicas("shop") })
	return s
}

// answers has Prometheus answer every instant query with a result.
func (s *scene) answers(body string) {
	s.prometheus.set(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
}

func (s *scene) fails(code int) {
	s.prometheus.set(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
}

// TestEveryFaultIsSeen has each fault happen to a scaler at work, and looks for it in all
// three places: a condition (or another field) of the status, metrics, and an event. What
// the metric of conditions shows is what the status says, then and after the fault.
func TestEveryFaultIsSeen(t *testing.T) {
	t.Parallel()
	const value = `{"metric":{},"value":[1,%q]}`
	vector := func(result, more string) string {
		return `{"status":"success"` + more + `,"data":{"resultType":"vector","result":[` + result + `]}}`
	}
	stale := seen{condition: v1alpha1.ConditionFresh, reason: "NoCurrentData", event: "NoCurrentData",
		metric: "hindcast_scaler_stale", replicas: 10}
	missing := seen{condition: v1alpha1.ConditionFresh, reason: "SeriesMissing", event: "SeriesMissing",
		metric: "hindcast_scaler_stale", replicas: 10}
	refused := seen{condition: v1alpha1.ConditionAbleToScale, reason: "FailedUpdateScale", event: "FailedUpdateScale",
		metric: "hindcast_scaler_scale_errors_total", replicas: 3}
	for name, tc := range map[string]struct {
		happen func(s *scene)
		seen
	}{
		"Prometheus is down": {func(s *scene) {
			s.prometheus.set(func(w http.ResponseWriter, _ *http.Request) {
				if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
					conn.Close()
				}
			})
		}, stale},
		"Prometheus is slow": {func(s *scene) {
			s.prometheus.set(func(http.ResponseWriter, *http.Request) { time.Sleep(5 * time.Second) }) // the limit is two
		}, stale},
		"Prometheus answers 500":        {func(s *scene) { s.fails(http.StatusInternalServerError) }, stale},
		"Prometheus has no such series": {func(s *scene) { s.answers(vector("", "")) }, stale},
		"the load is NaN":               {func(s *scene) { s.answers(vector(fmt.Sprintf(value, "NaN"), "")) }, stale},
		"half the series, and the server says so": {func(s *scene) {
			s.answers(vector(fmt.Sprintf(value, "40"), `,"warnings":["half the stores are away"]`))
		}, stale},
		"half the series, and nothing says so": {func(s *scene) {
			s.prometheus.set(func(w http.ResponseWriter, r *http.Request) {
				v := "47"
				if counts(r) {
					v = "6"
				}
				fmt.Fprint(w, vector(fmt.Sprintf(value, v), ""))
			})
		}, missing},
		"the API server answers with a conflict": {func(s *scene) {
			s.refuse.Store(http.StatusConflict)
			s.scale("shop", 3)
		}, refused},
		"the API server throttles": {func(s *scene) {
			s.refuse.Store(http.StatusTooManyRequests)
			s.scale("shop", 3)
		}, refused},
		"the target is deleted": {func(s *scene) {
			d := &appsv1.Deployment{}
			s.get("shop", d)
			if err := s.client.Delete(s.t.Context(), d); err != nil {
				s.t.Fatal(err)
			}
		}, seen{condition: v1alpha1.ConditionAbleToScale, reason: "FailedGetScale", event: "FailedGetScale",
			metric: "hindcast_scaler_scale_errors_total"}},
		"two scalers on one target": {func(s *scene) {
			time.Sleep(1100 * time.Millisecond) // creation times are in seconds
			s.create(s.scaler("younger", "shop", v1alpha1.ModeActive))
		}, seen{scaler: "younger", condition: v1alpha1.ConditionActive, reason: "TargetHasAnotherScaler", event: "TargetHasAnotherScaler", replicas: 10}},
		"an HPA comes to the target": {func(s *scene) { s.hpa("rival", "shop", 1, 20) },
			seen{condition: v1alpha1.ConditionActive, reason: "TargetHasHPA", event: "TargetHasHPA", replicas: 10}},
		"the clock jumps": {func(s *scene) { s.ahead.Store(int64(time.Hour)) },
			seen{restart: "ClockJumped", event: "ClockJumped", metric: "hindcast_scaler_restarts_total", labels: map[string]string{"reason": "ClockJumped"}, replicas: 10}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			tc.happen(s)
			tc.look(s)
			if tc.replicas != 0 && s.replicas("shop") != tc.replicas {
				t.Errorf("%d replicas, want the %d that there were", s.replicas("shop"), tc.replicas)
			}
			s.prometheus.set(nil)
			s.refuse.Store(0)
			if err := s.stop(); err != nil { // what is shown last
				t.Fatal(err)
			}
			scaler := tc.scaler
			if scaler == "" {
				scaler = "shop"
			}
			if err := s.mirrored(scaler); err != nil {
				t.Error(err)
			}
		})
	}
}

// seen is where a fault shows.
type seen struct {
	scaler            string // "": shop
	condition, reason string // a condition that turns false
	restart           string // or status.lastRestart.reason
	event             string
	metric            string // beside that of conditions; "": none
	labels            map[string]string
	replicas          int32 // of the target all the while; 0: there is none
}

func (want seen) look(s *scene) {
	s.t.Helper()
	name := want.scaler
	if name == "" {
		name = "shop"
	}
	labels := map[string]string{"namespace": s.ns, "scaler": name}
	if want.condition != "" {
		s.condition(name, want.condition, metav1.ConditionFalse, want.reason)
		s.eventually("the metric of conditions shows it", func() error {
			v, ok := s.gauge("hindcast_scaler_condition", map[string]string{
				"namespace": s.ns, "scaler": name, "condition": want.condition, "status": "false", "reason": want.reason,
			})
			if !ok || v != 1 {
				return fmt.Errorf("%v, %v", v, ok)
			}
			return nil
		})
	}
	if want.restart != "" {
		s.eventually("the status tells of the restart", func() error {
			if r := s.status(name).LastRestart; r == nil || r.Reason != want.restart {
				return fmt.Errorf("%+v", r)
			}
			return nil
		})
	}
	if want.metric != "" {
		maps.Copy(labels, want.labels)
		s.eventually("metric "+want.metric, func() error {
			if v, ok := s.gauge(want.metric, labels); !ok || v < 1 {
				return fmt.Errorf("%v, %v", v, ok)
			}
			return nil
		})
	}
	s.event(name, want.event)
}

// mirrored returns nil where the metric of conditions shows the conditions of the status,
// each once, and nothing else.
func (f *fixture) mirrored(name string) error {
	f.t.Helper()
	conditions := f.status(name).Conditions
	for _, c := range conditions {
		exact := map[string]string{"scaler": name, "condition": c.Type, "status": strings.ToLower(string(c.Status)), "reason": c.Reason}
		if v, _ := f.gauge("hindcast_scaler_condition", exact); v != 1 {
			return fmt.Errorf("no sample of condition %+v", c)
		}
	}
	if v, _ := f.gauge("hindcast_scaler_condition", map[string]string{"scaler": name}); v != float64(len(conditions)) {
		return fmt.Errorf("%v samples of %d conditions", v, len(conditions))
	}
	return nil
}
