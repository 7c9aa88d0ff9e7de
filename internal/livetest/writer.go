package livetest

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// A counter is one series of a process.
type counter struct {
	name   string
	labels map[string]string
	v      float64
}

// A writer is one process that is scraped.
type writer struct {
	story    *Story
	emit     Emit
	pod      string
	last     time.Time // decision
	decided  time.Time
	counters map[string]*counter
	shown    map[string]counter // what the last scrape saw
	ended    bool
}

func (w *writer) add(name string, labels map[string]string, v float64) {
	key := name + fmt.Sprint(labels)
	c := w.counters[key]
	if c == nil {
		c = &counter{name: name, labels: labels}
		w.counters[key] = c
	}
	c.v += v
}

// scrape emits what the process shows, and ends what it no longer shows.
func (w *writer) scrape(at time.Time) error {
	now := map[string]counter{}
	for key, c := range w.counters {
		now[key] = *c
	}
	if !w.decided.IsZero() {
		w.story.gauges(w.decided, func(name string, labels map[string]string, v float64) {
			if !math.IsNaN(v) {
				now[name+fmt.Sprint(labels)] = counter{name, labels, v}
			}
		})
	}
	for key, c := range w.shown {
		if _, ok := now[key]; !ok {
			if err := w.send(c, at, math.NaN()); err != nil {
				return err
			}
		}
	}
	w.shown, w.ended = now, false
	return w.all(at, func(c counter) float64 { return c.v })
}

// end ends all series, or leaves them where nothing marks ends.
func (w *writer) end(at time.Time, endless bool) error {
	w.ended = true
	if endless {
		return nil
	}
	err := w.all(at, func(counter) float64 { return math.NaN() })
	w.shown = nil
	return err
}

func (w *writer) all(at time.Time, value func(counter) float64) error {
	for _, key := range slices.Sorted(maps.Keys(w.shown)) {
		c := w.shown[key]
		if err := w.send(c, at, value(c)); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) send(c counter, at time.Time, v float64) error {
	labels := map[string]string{"namespace": w.story.Namespace, "scaler": w.story.Scaler, "job": "hindcast", "controller_pod": w.pod}
	maps.Copy(labels, c.labels)
	maps.Copy(labels, w.story.Labels)
	return w.emit(c.name, labels, at, v)
}
