package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"hindcast.dev/datasets"
	"hindcast.dev/forecast"
	"hindcast.dev/internal/strict"
	"hindcast.dev/internal/suggest"
)

// An eventsFile is what --events reads: YAML or JSON.
type eventsFile struct {
	// TimeZone is the one of starts that do not tell theirs, by whose clock events repeat.
	TimeZone string        `json:"timeZone"`
	Events   []strict.Node `json:"events"`
}

type eventEntry struct {
	Name     string            `json:"name"`
	Starts   []string          `json:"starts"`
	Duration datasets.Duration `json:"duration"`
	Repeat   string            `json:"repeat"`
	Before   int               `json:"before"`
	After    int               `json:"after"`
}

// eventPeriods are the words of repeat, and the shortest time until it comes again.
var eventPeriods = []struct {
	word   string
	repeat forecast.Repetition
	every  time.Duration
}{
	{"daily", forecast.Daily, 24 * time.Hour},
	{"weekly", forecast.Weekly, 7 * 24 * time.Hour},
	{"yearly", forecast.Yearly, 365 * 24 * time.Hour},
}

// longestWindow is the most effects that an event may have before it, and after it.
const longestWindow = 100

// readEvents reads the events of a file. A start without an offset is in the time zone of
// the file, or in the one given where the file names none.
func readEvents(name string, zone *time.Location) ([]forecast.Event, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%s: no such file; check the path", name)
		}
		return nil, err
	}
	docs, err := strict.Parse(data, name)
	if err != nil {
		return nil, err
	}
	if len(docs) != 1 {
		return nil, fmt.Errorf("%s: holds %d documents; write one, with a list of events", name, len(docs))
	}
	var file eventsFile
	if err := docs[0].Decode(&file); err != nil {
		return nil, err
	}
	if file.TimeZone != "" {
		if zone, err = time.LoadLocation(file.TimeZone); err != nil {
			return nil, docs[0].Fault("timeZone: %q is not known; write a name such as Europe/Berlin", file.TimeZone)
		}
	}
	if len(file.Events) == 0 {
		return nil, docs[0].Fault("events: none; write at least one, with starts and a duration")
	}
	var events []forecast.Event
	var faults []error
	for _, node := range file.Events {
		var entry eventEntry
		if err := node.Decode(&entry); err != nil {
			faults = append(faults, err)
			continue
		}
		e, fault := entry.event(zone)
		if fault != "" {
			faults = append(faults, node.Fault("%s", fault))
			continue
		}
		events = append(events, e)
	}
	return events, errors.Join(faults...)
}

// event returns the event, or what is wrong with it.
func (e eventEntry) event(zone *time.Location) (forecast.Event, string) {
	out := forecast.Event{Duration: time.Duration(e.Duration), Before: e.Before, After: e.After}
	if e.Duration <= 0 {
		return out, "duration: is missing; write how long it lasts, as 90m, 2h or 1d"
	}
	if min(e.Before, e.After) < 0 || max(e.Before, e.After) > longestWindow {
		return out, fmt.Sprintf("before, after: %d, %d are out of range; write how many durations, from 0 to %d", e.Before, e.After, longestWindow)
	}
	if e.Repeat != "" {
		words := make([]string, len(eventPeriods))
		for i, p := range eventPeriods {
			words[i] = p.word
		}
		i := slices.Index(words, e.Repeat)
		if i < 0 {
			return out, fmt.Sprintf("repeat: unknown period %q%s", e.Repeat, suggest.Hint(e.Repeat, words))
		}
		out.Repeat = eventPeriods[i].repeat
		if every := eventPeriods[i].every; out.Duration > every {
			return out, fmt.Sprintf("duration: %v is longer than the time until it comes again, %v; shorten it", e.Duration, datasets.Duration(every))
		}
	}
	if len(e.Starts) == 0 {
		return out, "starts: none; write when it begins, as 2026-05-01 or 2026-05-01T09:00"
	}
	for _, text := range e.Starts {
		start, ok := eventStart(text, zone)
		if !ok {
			return out, fmt.Sprintf("starts: %q is no time; write it as 2026-05-01, 2026-05-01T09:00 or 2026-05-01T09:00:00Z", text)
		}
		out.Starts = append(out.Starts, start)
	}
	return out, ""
}

// eventStart reads a time, in the zone where it does not tell its offset. One that does
// repeats by the clock of the zone all the same.
func eventStart(text string, zone *time.Location) (time.Time, bool) {
	text = strings.TrimSpace(text)
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.In(zone), true
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
