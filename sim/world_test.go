package sim_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"hindcast.dev/sim"
)

var monday = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// steps is a load of one value a minute.
func steps(values ...float64) sim.Load {
	return sim.Load{Start: monday, Step: time.Minute, Values: values}
}

func constant(v float64, minutes int) sim.Load {
	values := make([]float64, minutes)
	for i := range values {
		values[i] = v
	}
	return steps(values...)
}

func config(t testing.TB, load sim.Load) sim.Config {
	t.Helper()
	service, err := sim.NewService(sim.DefaultApp())
	if err != nil {
		t.Fatal(err)
	}
	return sim.Config{
		Name:            "shop",
		Seed:            1,
		Load:            load,
		Service:         service,
		InitialReplicas: 2,
		TimeToReady:     sim.LogNormal{P50: 40 * time.Second, P95: 90 * time.Second},
		WarmUp:          time.Minute,
		InitialSpeed:    0.3,
		Grace:           30 * time.Second,
		RequestMilliCPU: 500,
		RequestBytes:    512 << 20,
		Nodes:           sim.NodePool{Count: 4, MilliCPU: 4000, Bytes: 16 << 30},
	}
}

func newWorld(t testing.TB, cfg sim.Config) *sim.World {
	t.Helper()
	w, err := sim.NewWorld(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func wait(t testing.TB, w *sim.World, d time.Duration) {
	t.Helper()
	if err := w.WaitUntil(context.Background(), monday.Add(d)); err != nil {
		t.Fatal(err)
	}
}

func TestRequestsAreConservedAtEveryInstant(t *testing.T) {
	load := steps(100, 900, 2500, 300, 0, 50, 1200, math.NaN(), 700, 20)
	cfg := config(t, load)
	w := newWorld(t, cfg)
	scales := []int32{2, 5, 9, 3, 0, 0, 4, 4, 1, 2}
	for s := range 10 * 60 {
		if s%60 == 30 {
			if err := w.SetScale(scales[s/60]); err != nil {
				t.Fatal(err)
			}
		}
		if s == 0 {
			continue
		}
		wait(t, w, time.Duration(s)*time.Second)
		got := w.Totals()
		ended := got.Flow.Completed.Total() + got.Flow.Shed + got.Refused + got.Killed
		if diff := got.Offered - ended - w.InSystem(); math.Abs(diff) > 1e-6*got.Offered {
			t.Fatalf("at %ds: offered %.6f, ended %.6f, in pods %.6f: %.6f lost", s, got.Offered, ended, w.InSystem(), diff)
		}
	}
	if got := w.Totals(); got.Refused == 0 || got.Flow.Shed == 0 {
		t.Errorf("the story sheds and refuses requests, got shed %v, refused %v", got.Flow.Shed, got.Refused)
	}
}

func TestLifeOfAPod(t *testing.T) {
	cfg := config(t, constant(10, 30))
	cfg.TimeToReady = sim.LogNormal{P50: 100 * time.Second, P95: 100 * time.Second}
	w := newWorld(t, cfg)
	wait(t, w, time.Minute)
	if err := w.SetScale(3); err != nil {
		t.Fatal(err)
	}
	p := w.Pods()[2]
	for _, step := range []struct {
		after time.Duration
		want  sim.Phase
	}{
		{time.Second, sim.Unscheduled},
		{3 * time.Second, sim.Pulling},
		{24 * time.Second, sim.Pulling},
		{26 * time.Second, sim.Starting},
		{99 * time.Second, sim.Starting},
		{101 * time.Second, sim.Ready},
	} {
		wait(t, w, time.Minute+step.after)
		if p.Phase != step.want {
			t.Errorf("%v after its creation the pod is in phase %v, want %v", step.after, p.Phase, step.want)
		}
	}
	if got := p.ReadyAt.Sub(p.Created); got != 100*time.Second {
		t.Errorf("ready after %v, want 100s", got)
	}
	if got := w.Ready(); got != 3 {
		t.Errorf("%d pods get load, want 3", got)
	}
	// The youngest goes first.
	if err := w.SetScale(2); err != nil {
		t.Fatal(err)
	}
	if !p.Deleting || w.Ready() != 2 {
		t.Errorf("deleting %v, %d pods get load; want the newest deleted, 2 left", p.Deleting, w.Ready())
	}
	wait(t, w, 4*time.Minute)
	if got := len(w.Pods()); got != 2 {
		t.Errorf("%d pods after the drain, want 2", got)
	}
	if got := w.Totals().Killed; got > 1e-2 {
		t.Errorf("%v requests killed by a drain that had time", got)
	}
}

func TestPodsWaitForRoom(t *testing.T) {
	cfg := config(t, constant(10, 60))
	cfg.Nodes = sim.NodePool{Count: 1, MilliCPU: 1600, Bytes: 16 << 30}
	w := newWorld(t, cfg)
	if err := w.SetScale(5); err != nil {
		t.Fatal(err)
	}
	wait(t, w, 20*time.Minute)
	if got := w.Ready(); got != 3 {
		t.Fatalf("%d pods ready, want the 3 that fit", got)
	}
	// Pods on no node go first, and cost nothing.
	if err := w.SetScale(3); err != nil {
		t.Fatal(err)
	}
	wait(t, w, 21*time.Minute)
	if got := w.Ready(); got != 3 {
		t.Errorf("%d pods ready, want 3", got)
	}
	if err := w.SetScale(4); err != nil {
		t.Fatal(err)
	}
	wait(t, w, 30*time.Minute)
	waiting := w.Pods()[3]
	if waiting.Phase != sim.Unscheduled {
		t.Fatalf("phase %v, want unscheduled", waiting.Phase)
	}
}

// TestSpansCoverTime checks that spans have no holes and do not overlap, and that
// they break where something changes.
func TestSpansCoverTime(t *testing.T) {
	cfg := config(t, steps(10, 20, math.NaN(), 20, 500, 0))
	var spans []sim.Span
	cfg.OnSpan = func(s sim.Span) { spans = append(spans, s) }
	w := newWorld(t, cfg)
	w.Every(monday.Add(45*time.Second), 70*time.Second, sim.Act, func() {
		n, _ := w.Scale()
		if err := w.SetScale(n%5 + 1); err != nil {
			t.Error(err)
		}
	})
	if err := w.WaitUntil(context.Background(), cfg.Load.End().Add(time.Second)); !errors.Is(err, sim.ErrEnd) {
		t.Fatalf("got %v, want the end", err)
	}
	at := monday
	var offered, podTime float64
	for _, s := range spans {
		if !s.From.Equal(at) || !s.To.After(s.From) {
			t.Fatalf("span from %v to %v follows one to %v", s.From, s.To, at)
		}
		at = s.To
		offered += s.Offered
		podTime += s.PodTime.Seconds()
		if minute := s.From.Truncate(time.Minute); s.To.After(minute.Add(time.Minute)) {
			t.Errorf("span from %v to %v crosses a minute", s.From, s.To)
		}
	}
	if !at.Equal(cfg.Load.End()) {
		t.Errorf("spans end at %v, want %v", at, cfg.Load.End())
	}
	if want := 60. * (10 + 20 + 20 + 20 + 500 + 0); math.Abs(offered-want) > 1e-6 {
		t.Errorf("offered %v requests, want %v", offered, want)
	}
	if podTime < 360 {
		t.Errorf("pods were paid for %vs, want at least one all the time", podTime)
	}
}

// TestSameLuck checks that the n-th pod takes as long to start whatever happened
// before.
func TestSameLuck(t *testing.T) {
	ready := func(scales ...int32) []time.Duration {
		cfg := config(t, constant(10, 60))
		w := newWorld(t, cfg)
		for i, n := range scales {
			wait(t, w, time.Duration(i+1)*time.Minute)
			if err := w.SetScale(n); err != nil {
				t.Fatal(err)
			}
		}
		wait(t, w, 30*time.Minute)
		var out []time.Duration
		for _, p := range w.Pods() {
			if p.Phase == sim.Ready {
				out = append(out, p.ReadyAt.Sub(p.Created))
			}
		}
		return out[2:]
	}
	at, slow := ready(6), ready(3, 4, 5, 6)
	for i := range at {
		if at[i] != slow[i] {
			t.Errorf("pod %d took %v and %v", i, at[i], slow[i])
		}
	}
}

func TestTimeToReadyHasItsQuantiles(t *testing.T) {
	d := sim.LogNormal{P50: 40 * time.Second, P95: 90 * time.Second}
	for q, want := range map[float64]time.Duration{0.5: 40 * time.Second, 0.95: 90 * time.Second} {
		if got := d.Quantile(q); (got - want).Abs() > time.Millisecond {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if d.Longest() < 90*time.Second || d.Longest() > 5*time.Minute {
		t.Errorf("longest %v", d.Longest())
	}
}

// TestUsageIsTheRateOfTheCounter checks the metrics-server twin against the counters
// that Prometheus scrapes.
func TestUsageIsTheRateOfTheCounter(t *testing.T) {
	w := newWorld(t, config(t, steps(100, 150, 80, 200)))
	before := map[string]float64{}
	w.Every(monday.Add(15*time.Second), 15*time.Second, sim.Act, func() {
		for _, p := range w.Pods() {
			u, ok := p.Usage()
			if !ok {
				t.Fatalf("no sample of %s at %v", p.Name, w.Now())
			}
			if last, ok := before[p.Name]; ok {
				if want := (p.CPUSeconds - last) / 15; math.Abs(u.Cores-want) > 1e-9 || u.Window != 15*time.Second || !u.Time.Equal(w.Now()) {
					t.Errorf("%s at %v: %+v, want %v cores", p.Name, w.Now(), u, want)
				}
			}
			before[p.Name] = p.CPUSeconds
		}
	})
	wait(t, w, 3*time.Minute)
	// 100 requests/s of 5 ms on two pods is a quarter of a core each.
	if u, _ := w.Pods()[0].Usage(); math.Abs(u.Cores-0.203) > 0.005 {
		t.Errorf("usage %v cores at 80 requests/s on 2 pods, want 0.2 and the idle part", u.Cores)
	}
}

func TestWorldNamesEveryFault(t *testing.T) {
	_, err := sim.NewWorld(sim.Config{InitialReplicas: -1, InitialSpeed: 2})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"no service", "no load", "initial replicas -1", "initial speed 2", "no nodes", "request CPU"} {
		if !contains(err.Error(), want) {
			t.Errorf("%q does not mention %q", err, want)
		}
	}
}

func contains(s, sub string) bool {
	for i := 0; i+len(sub) <= len(s); i++ {
		if s[i:i+len(sub)] == sub {
			return true
		}
	}
	return false
}

// BenchmarkWorldDay is one day with a changing load, 20 pods at its peak and a look
// at the world every 15 s.
func BenchmarkWorldDay(b *testing.B) {
	values := make([]float64, 1440)
	for i := range values {
		values[i] = 1500 + 1200*math.Sin(float64(i)/229)
	}
	cfg := config(b, steps(values...))
	cfg.InitialReplicas = 15
	for b.Loop() {
		w := newWorld(b, cfg)
		w.Every(monday, 15*time.Second, sim.Act, func() {
			if err := w.SetScale(int32(w.Load()/140) + 1); err != nil {
				b.Fatal(err)
			}
		})
		if err := w.WaitUntil(context.Background(), cfg.Load.End()); !errors.Is(err, sim.ErrEnd) {
			b.Fatal(err)
		}
	}
}
