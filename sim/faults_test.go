package sim_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"hindcast.dev/sim"
)

// always is the time to ready of a world in which every pod takes as long.
var always = sim.LogNormal{P50: 100 * time.Second, P95: 100 * time.Second}

// readyTime runs a world for so long and returns the pods that were ready, integrated over time.
func readyTime(t *testing.T, cfg sim.Config, length time.Duration) (w *sim.World, ready time.Duration) {
	t.Helper()
	cfg.OnSpan = func(s sim.Span) { ready += time.Duration(s.Ready) * s.To.Sub(s.From) }
	w = newWorld(t, cfg)
	wait(t, w, length)
	return w, ready
}

// TestHits: what faults are said to have hit is what shows that it was hit.
func TestHits(t *testing.T) {
	cfg := config(t, steps(100, 100, 100, 100, 100, 100, 100, 100, 100, 100))
	cfg.InitialReplicas, cfg.TimeToReady = 9, always
	cfg.Nodes.Count = 3
	cfg.Faults = []sim.Fault{
		{Kind: sim.PodRestart, At: 150 * time.Second, Share: 0.5},
		{Kind: sim.MetricsOutage, At: 160 * time.Second, For: time.Second},
		{Kind: sim.NodeLoss, At: 170 * time.Second, For: time.Hour, Share: 0.3},
		{Kind: sim.PodRestart, At: 171 * time.Second, Share: 1}, // of those that are left and ready
		{Kind: sim.SlowStart, At: 172 * time.Second, For: time.Second, Share: 0.6, Factor: 2},
		{Kind: sim.SlowStart, At: 173 * time.Second, For: time.Second, Factor: 2}, // all
	}
	w := newWorld(t, cfg)
	ready := func(p *sim.Pod) bool { return p.Phase == sim.Ready && !p.Lost }
	with := func(is func(*sim.Pod) bool) (names []string) {
		for _, p := range w.Pods() {
			if is(p) {
				names = append(names, p.Name)
			}
		}
		return names
	}
	wait(t, w, 169*time.Second)
	crashed := with(func(p *sim.Pod) bool { return p.Restarts == 1 })
	wait(t, w, 170*time.Second+time.Millisecond)
	onLost := with(func(p *sim.Pod) bool { return p.Lost })
	left := with(ready)
	wait(t, w, 180*time.Second)
	var nodes []string
	for i := range cfg.Nodes.Count {
		if lost, _ := w.NodeLost(i); lost {
			nodes = append(nodes, w.Nodes(nil)[i].Name)
		}
	}
	want := []sim.Hit{{Fault: 0, Pods: crashed}, {Fault: 2, Nodes: nodes, Pods: onLost}, {Fault: 3, Pods: left}}
	got := w.Hits()
	// Which nodes are slow shows in later starts only: two of three.
	if n := len(got) - 1; n < 0 || got[n].Fault != 4 || len(got[n].Nodes) != 2 || got[n].Pods != nil {
		t.Fatalf("%+v", got)
	}
	if got := got[:len(got)-1]; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if len(crashed) != 5 || len(nodes) != 1 || len(onLost) != 3 || len(left) == 0 {
		t.Errorf("%d pods crashed, %d nodes failed with %d pods, %d were left: the case is too simple", len(crashed), len(nodes), len(onLost), len(left))
	}
}

// TestFaultsConserveRequests is TestRequestsAreConservedAtEveryInstant while everything goes
// wrong at once, and scaling goes on.
func TestFaultsConserveRequests(t *testing.T) {
	for name, faults := range map[string][]sim.Fault{
		"pod-restart": {
			{Kind: sim.PodRestart, At: 90 * time.Second, Share: 0.5}, {Kind: sim.PodRestart, At: 91 * time.Second},
			{Kind: sim.PodRestart, At: 230 * time.Second, Share: 1}, {Kind: sim.PodRestart, At: 231 * time.Second, Share: 1},
		},
		"node-loss": {
			{Kind: sim.NodeLoss, At: 90 * time.Second, For: 30 * time.Second, Share: 0.5}, {Kind: sim.NodeLoss, At: 95 * time.Second, For: 90 * time.Second},
			{Kind: sim.NodeLoss, At: 185 * time.Second, For: time.Hour, Share: 0.5}, {Kind: sim.NodeLoss, At: 250 * time.Second, For: time.Second, Share: 1},
		},
		"rollout": {{Kind: sim.Rollout, At: 95 * time.Second}, {Kind: sim.Rollout, At: 170 * time.Second}, {Kind: sim.Rollout, At: 211 * time.Second}},
		"rollout and node-loss": {
			{Kind: sim.Rollout, At: 95 * time.Second}, {Kind: sim.NodeLoss, At: 100 * time.Second, For: time.Minute, Share: 0.5},
			{Kind: sim.NodeLoss, At: 170 * time.Second, For: 6 * time.Minute, Share: 1}, {Kind: sim.Rollout, At: 190 * time.Second},
		},
		"node-loss and pod-restart": {
			{Kind: sim.NodeLoss, At: 90 * time.Second, For: 100 * time.Second, Share: 1}, {Kind: sim.PodRestart, At: 100 * time.Second, Share: 1},
			{Kind: sim.PodRestart, At: 250 * time.Second, Share: 1}, {Kind: sim.NodeLoss, At: 255 * time.Second, For: 2 * time.Second, Share: 1},
		},
		"slow-start": {
			{Kind: sim.SlowStart, At: 40 * time.Second, For: 3 * time.Minute, Factor: 2}, {Kind: sim.PodRestart, At: 100 * time.Second, Share: 1},
			{Kind: sim.SlowStart, At: 100 * time.Second, For: 5 * time.Minute, Factor: 3, Share: 0.5, Stage: sim.PullStage},
			{Kind: sim.NodeLoss, At: 170 * time.Second, For: 20 * time.Second, Share: 0.5}, {Kind: sim.Rollout, At: 190 * time.Second},
		},
		"metrics-server-outage": {{Kind: sim.MetricsOutage, At: 90 * time.Second, For: time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t, steps(100, 900, 2500, 300, 0, 50, 1200, math.NaN(), 700, 20))
			cfg.Faults = faults
			conserve(t, cfg)
		})
	}
}

// conserve checks the books of a world at every second of ten minutes of scaling.
func conserve(t *testing.T, cfg sim.Config) {
	t.Helper()
	var spans struct{ killed, refused, offered float64 }
	cfg.OnSpan = func(s sim.Span) {
		spans.killed += s.Killed
		spans.refused += s.Refused
		spans.offered += s.Offered
	}
	w := newWorld(t, cfg)
	scales := []int32{2, 5, 9, 3, 1, 2, 4, 4, 1, 2}
	for s := 1; s < 600; s++ {
		if s%60 == 30 {
			if err := w.SetScale(scales[s/60]); err != nil {
				t.Fatal(err)
			}
		}
		wait(t, w, time.Duration(s)*time.Second)
		got := w.Totals()
		ended := got.Flow.Completed.Total() + got.Flow.Shed + got.Refused + got.Killed
		if lost := got.Offered - ended - w.InSystem(); math.Abs(lost) > 1e-9*got.Offered+1e-6 {
			t.Fatalf("at %ds: offered %v, ended %v, in pods %v: %v lost", s, got.Offered, ended, w.InSystem(), lost)
		}
		if sent := got.Offered - got.Refused; math.Abs(sent-got.Flow.Arrivals) > 1e-9*sent+1e-6 {
			t.Fatalf("at %ds: %v sent to pods, %v arrived", s, sent, got.Flow.Arrivals)
		}
		// A pod whose node has failed is held to be ready until somebody notices.
		var load int32
		for _, p := range w.Pods() {
			if p.Phase == sim.Ready && !p.Deleting {
				load++
			}
		}
		if load != w.Ready() {
			t.Fatalf("at %ds: %d pods are ready, the world says %d", s, load, w.Ready())
		}
	}
	got := w.Totals()
	wait(t, w, 600*time.Second-1)
	if math.Abs(spans.killed-got.Killed) > 1e-6 {
		t.Errorf("the spans have %v killed requests, the totals %v", spans.killed, got.Killed)
	}
}

// TestRestart: the container of a pod ends and starts again in its place.
func TestRestart(t *testing.T) {
	cfg := config(t, constant(400, 30))
	cfg.InitialReplicas, cfg.TimeToReady = 4, always
	cfg.Faults = []sim.Fault{{Kind: sim.PodRestart, At: 5 * time.Minute, Share: 0.5}}
	w := newWorld(t, cfg)
	wait(t, w, 5*time.Minute-time.Nanosecond)
	inside := map[string]float64{}
	for _, p := range w.Pods() {
		inside[p.Name] = p.InFlight()
	}
	before := w.Nodes(nil)
	wait(t, w, 5*time.Minute+time.Nanosecond)
	var killed float64
	hits := 0
	for _, p := range w.Pods() {
		if p.Restarts == 0 {
			if p.Phase != sim.Ready || p.CPUSeconds == 0 {
				t.Errorf("%s was not hit and is %+v", p.Name, p)
			}
			continue
		}
		hits++
		killed += inside[p.Name]
		if p.Phase != sim.Starting || !p.ReadyAt.IsZero() || p.InFlight() != 0 || p.Completed.Total() != 0 || p.CPUSeconds > 1e-6 {
			t.Errorf("%s was hit and is %+v", p.Name, p)
		}
		if p.ReceivedBytes() == 0 || p.SentBytes() == 0 {
			t.Errorf("the network of %s begins anew", p.Name)
		}
	}
	if hits != 2 || w.Ready() != 2 {
		t.Errorf("%d of 4 pods were hit, %d get load; want 2 and 2", hits, w.Ready())
	}
	// One nanosecond of arrivals is far less than the tolerance.
	if got := w.Totals().Killed; killed == 0 || math.Abs(got-killed) > 1e-5 {
		t.Errorf("%v requests were killed, the pods had %v", got, killed)
	}
	for i, n := range w.Nodes(nil) {
		if u, b := n.Used, before[i].Used; u.CPUSeconds < b.CPUSeconds || u.ReceivedBytes < b.ReceivedBytes || u.Reads < b.Reads || u.Writes < b.Writes {
			t.Errorf("%s used %+v, before the crash %+v", n.Name, u, b)
		}
	}
	wait(t, w, 7*time.Minute)
	if got := w.Ready(); got != 4 {
		t.Errorf("%d pods get load after the restart, want 4", got)
	}
}

// TestCapacityLostToRestarts: what is missing is the time that each container needs to its first
// successful probe: three quarters of the time to ready, as it is neither scheduled nor pulled.
func TestCapacityLostToRestarts(t *testing.T) {
	cfg := config(t, constant(50, 21))
	cfg.InitialReplicas, cfg.TimeToReady = 6, always
	for share, hits := range map[float64]int{0: 1, 0.01: 1, 0.5: 3, 0.51: 4, 1: 6} {
		cfg.Faults = []sim.Fault{{Kind: sim.PodRestart, At: 301 * time.Second, Share: share}}
		_, ready := readyTime(t, cfg, 20*time.Minute)
		if want := 6*20*time.Minute - time.Duration(hits)*75*time.Second; ready != want {
			t.Errorf("share %v: %v of ready pods, want %v", share, ready, want)
		}
	}
}

// TestSameFaults: a fault hits the same pods whatever else there is.
func TestSameFaults(t *testing.T) {
	hit := func(replicas int32) map[string]bool {
		cfg := config(t, constant(50, 20))
		cfg.InitialReplicas = replicas
		cfg.Faults = []sim.Fault{{Kind: sim.PodRestart, At: time.Minute}, {Kind: sim.PodRestart, At: 10 * time.Minute, Share: 0.5}}
		w := newWorld(t, cfg)
		wait(t, w, 15*time.Minute)
		out := map[string]bool{}
		for _, p := range w.Pods() {
			if p.Restarts > 0 {
				out[p.Name] = true
			}
		}
		return out
	}
	few, many := hit(6), hit(8)
	if len(few) < 3 || len(many) < 4 {
		t.Fatalf("hit %v and %v", few, many)
	}
	same := 0
	for name := range few {
		if many[name] {
			same++
		}
	}
	// Two more pods can push at most two out.
	if same < len(few)-2 {
		t.Errorf("of 6 pods %v are hit, of 8 %v", few, many)
	}
}

// TestFaultOfNothing: a fault that finds nothing to hit changes nothing.
func TestFaultOfNothing(t *testing.T) {
	spans := func(faults ...sim.Fault) (out []sim.Span) {
		cfg := config(t, steps(100, 0, 300, 50))
		cfg.InitialReplicas, cfg.Faults = 0, faults
		cfg.OnSpan = func(s sim.Span) { out = append(out, s) }
		w := newWorld(t, cfg)
		wait(t, w, 4*time.Minute-time.Nanosecond)
		return out
	}
	without := spans()
	with := spans(sim.Fault{Kind: sim.PodRestart, At: time.Minute, Share: 1}, sim.Fault{Kind: sim.MetricsOutage, At: 2 * time.Minute, For: time.Minute})
	if len(with) != len(without) {
		t.Fatalf("%d spans, want %d", len(with), len(without))
	}
	for i := range with {
		if with[i] != without[i] {
			t.Errorf("span %+v, want %+v", with[i], without[i])
		}
	}
}

// TestCapacityLostWithANode: a node that is back before its pods are evicted costs them the time
// until then and a restart; else others are created elsewhere once the eviction is due. The node
// is paid for while it is there.
func TestCapacityLostWithANode(t *testing.T) {
	const at, length = 5*time.Minute + time.Second, 30 * time.Minute
	for _, tc := range []struct {
		lost, missing time.Duration // of each pod
	}{
		{10 * time.Second, 10*time.Second + 75*time.Second},
		{2 * time.Minute, 2*time.Minute + 75*time.Second},
		{349 * time.Second, 349*time.Second + 75*time.Second},
		{351 * time.Second, 350*time.Second + 100*time.Second},
		{time.Hour, 350*time.Second + 100*time.Second},
	} {
		cfg := config(t, constant(50, 31))
		cfg.InitialReplicas, cfg.TimeToReady = 8, always // two on each of four nodes
		cfg.Faults = []sim.Fault{{Kind: sim.NodeLoss, At: at, For: tc.lost}}
		var ready, nodes time.Duration
		var refused float64
		cfg.OnSpan = func(s sim.Span) {
			ready += time.Duration(s.Ready) * s.To.Sub(s.From)
			nodes += s.NodeTime
			refused += s.Refused
		}
		w := newWorld(t, cfg)
		wait(t, w, length)
		if want := 8*length - 2*tc.missing; ready != want {
			t.Errorf("lost for %v: %v of ready pods, want %v", tc.lost, ready, want)
		}
		if want := 4*length - min(tc.lost, length-at); nodes != want {
			t.Errorf("lost for %v: %v of nodes, want %v", tc.lost, nodes, want)
		}
		// Until somebody notices a quarter of the load goes to nobody.
		if want := 50. / 4 * min(tc.lost, sim.NodeGrace).Seconds(); math.Abs(refused-want) > 1e-6 {
			t.Errorf("lost for %v: %v requests refused, want %v", tc.lost, refused, want)
		}
		wantPods, wantRestarts := 8, 2
		switch {
		case tc.lost > length: // two of them terminating for ever
			wantPods, wantRestarts = 10, 0
		case tc.lost > sim.NodeGrace+sim.Eviction:
			wantRestarts = 0
		}
		restarts := 0
		for _, p := range w.Pods() {
			restarts += p.Restarts
		}
		if got := len(w.Pods()); got != wantPods || restarts != wantRestarts {
			t.Errorf("lost for %v: %d pods with %d restarts, want %d with %d", tc.lost, got, restarts, wantPods, wantRestarts)
		}
	}
}

// TestNodeLossAsTheClusterSeesIt: nobody knows for NodeGrace; then neither the node nor its pods
// are ready, and nothing is placed there.
func TestNodeLossAsTheClusterSeesIt(t *testing.T) {
	cfg := config(t, constant(50, 60))
	cfg.InitialReplicas, cfg.TimeToReady = 4, always
	cfg.Nodes.Count = 2
	cfg.Faults = []sim.Fault{{Kind: sim.NodeLoss, At: 5 * time.Minute, For: 20 * time.Minute}}
	w := newWorld(t, cfg)
	lost := func() (i int) {
		for i := range 2 {
			if failed, _ := w.NodeLost(i); failed {
				return i
			}
		}
		return -1
	}
	wait(t, w, 5*time.Minute+49*time.Second)
	i := lost()
	if _, known := w.NodeLost(i); known || w.Ready() != 4 {
		t.Errorf("known %v and %d pods ready before anybody can know", known, w.Ready())
	}
	wait(t, w, 5*time.Minute+51*time.Second)
	if _, known := w.NodeLost(i); !known || w.Ready() != 2 {
		t.Errorf("known %v and %d pods ready when everybody does", known, w.Ready())
	}
	if err := w.SetScale(7); err != nil {
		t.Fatal(err)
	}
	wait(t, w, 24*time.Minute)
	name := w.Nodes(nil)[i].Name
	for _, p := range w.Pods() {
		switch {
		case p.Node == name && (!p.Lost || !p.Deleting):
			t.Errorf("%s is on a lost node: %+v", p.Name, p)
		case p.Node != name && p.Phase != sim.Ready:
			t.Errorf("%s is not ready: %+v", p.Name, p)
		}
	}
	if w.Ready() != 7 {
		t.Errorf("%d pods ready on the other node, want 7", w.Ready())
	}
	wait(t, w, 25*time.Minute+time.Second)
	n := w.Nodes(nil)[i]
	if failed, known := w.NodeLost(i); failed || known || n.Pods != 0 || n.Booted.Sub(monday) != 25*time.Minute || n.Used != (sim.Consumption{}) {
		t.Errorf("after its return the node is %+v", n)
	}
	if got := len(w.Pods()); got != 7 {
		t.Errorf("%d pods after the return, want 7", got)
	}
}

// TestDrainingOnALostNode: a pod that drains when its node fails stays terminating until the node is
// back, and keeps its room there: nobody says that it has ended.
func TestDrainingOnALostNode(t *testing.T) {
	const at = 5 * time.Minute
	for _, lost := range []time.Duration{400 * time.Millisecond, 10 * time.Second, time.Minute} {
		cfg := config(t, constant(50, 10))
		cfg.InitialReplicas, cfg.TimeToReady = 4, always
		cfg.Nodes.Count = 1
		cfg.Faults = []sim.Fault{{Kind: sim.NodeLoss, At: at, For: lost}}
		w := newWorld(t, cfg)
		check := func(when string, want int) {
			t.Helper()
			n := w.Nodes(nil)[0]
			if got := len(w.Pods()); got != want || n.Pods != want || n.RequestedCPU != int64(want)*cfg.RequestMilliCPU {
				t.Errorf("lost for %v: %d pods %s, want %d; the node is %+v", lost, got, when, want, n)
			}
		}
		wait(t, w, at-500*time.Millisecond)
		if err := w.SetScale(2); err != nil {
			t.Fatal(err)
		}
		wait(t, w, at+lost-time.Millisecond)
		check("at the end of the loss", 4)
		wait(t, w, at+lost+2*time.Second)
		check("after it", 2)
	}
}
