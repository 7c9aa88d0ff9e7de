package sim_test

import (
	"math"
	"testing"
	"time"

	"hindcast.dev/sim"
)

// TestNodesAddUp: what nodes show is what all pods used, those that are gone included,
// while they come and go; nothing that counts ever falls.
func TestNodesAddUp(t *testing.T) {
	cfg := config(t, constant(260, 60))
	w := newWorld(t, cfg)
	last := map[string]sim.Consumption{}
	most := 0
	for i := range 600 {
		if i%20 == 0 {
			if err := w.SetScale(int32(2 + i/20*7%11)); err != nil {
				t.Fatal(err)
			}
		}
		wait(t, w, 5*time.Second)
		var all sim.Consumption
		pods, requested := 0, int64(0)
		var memory float64
		for _, n := range w.Nodes(nil) {
			all.Add(n.Used)
			pods += n.Pods
			requested += n.RequestedCPU
			memory += n.Memory
			was := last[n.Name]
			if n.Used.CPUSeconds < was.CPUSeconds || n.Used.ReadBytes < was.ReadBytes || n.Used.Writes < was.Writes || n.Used.SentPackets < was.SentPackets {
				t.Fatalf("%s at %v: %+v after %+v", n.Name, w.Now(), n.Used, was)
			}
			last[n.Name] = n.Used
			if n.Used.WrittenBytes < 0 || n.DiskBytes > n.Used.WrittenBytes {
				t.Fatalf("%s: %+v", n.Name, n)
			}
		}
		total := w.Totals()
		// The request is 1 KiB in 4 packets, the answer 12 KiB in 10.
		near(t, "received", all.ReceivedBytes, total.Flow.Arrivals*1024, 1e-9)
		near(t, "received packets", all.ReceivedPackets, total.Flow.Arrivals*4, 1e-9)
		near(t, "sent", all.SentBytes, total.Flow.Completed.Total()*12*1024, 1e-9)
		near(t, "written", all.WrittenBytes, 4096*all.Writes, 0)
		near(t, "read", all.ReadBytes, 65536*all.Reads, 0)
		var living, sum float64
		for _, p := range w.Pods() {
			if p.Node != "" {
				living++
			}
			sum += w.Memory(p)
		}
		near(t, "memory", memory, sum, 1e-12)
		if float64(pods) != living || requested != 500*int64(pods) {
			t.Fatalf("at %v: %d pods on nodes request %d m, the world has %v", w.Now(), pods, requested, living)
		}
		most = max(most, pods)
	}
	if most < 10 {
		t.Errorf("at most %d pods: nothing came and went", most)
	}
}

// TestWhatARequestNeeds: every request looks into the cache once, and the wait of its
// answer is that of the database and of the other service.
func TestWhatARequestNeeds(t *testing.T) {
	w := newWorld(t, config(t, constant(150, 30)))
	if got := w.QueryTime() + w.CallTime(); got != 20*time.Millisecond || w.QueryTime() <= 0 || w.CallTime() <= 0 {
		t.Errorf("database %v and service %v do not make a wait of 20 ms", w.QueryTime(), w.CallTime())
	}
	for range 300 {
		wait(t, w, 5*time.Second)
		for _, p := range w.Pods() {
			if got, want := p.CacheHits()+p.CacheMisses(), math.Floor(p.Completed.Total()); got != want || p.Queries() != want {
				t.Fatalf("%v look-ups and %v queries for %v requests", got, p.Queries(), want)
			}
			if p.Transactions() > p.Completed[sim.Good]+p.Completed[sim.Late] {
				t.Fatalf("%v transactions of %v answers", p.Transactions(), p.Completed)
			}
			if q := w.Queued(p); q < 0 || q > p.InFlight() || p.Connections() < p.InFlight() {
				t.Fatalf("%v queued and %v connections of %v in flight", q, p.Connections(), p.InFlight())
			}
		}
	}
	pod := w.Pods()[0]
	steady := config(t, constant(1, 1)).Service.Steady(75, 1)
	near(t, "queued", w.Queued(pod), steady.InCPU-steady.CoresBusy, 1e-3)
	if pod.Transactions() == 0 || pod.CacheMisses() == 0 {
		t.Errorf("%v transactions, %v misses", pod.Transactions(), pod.CacheMisses())
	}
}
