package main

import "time"

// A view is how a panel is shown on the page.
type view struct {
	policy string // value of the variable policy
	window window
	words  string // of the axis, where those of the unit do not do
}

// A window is a part of a run and how finely it is drawn.
type window struct{ after, length, step time.Duration }

// all is the whole run, the others are within its fourth day.
var (
	all      = window{step: 20 * time.Minute}
	aDay     = window{72 * time.Hour, 24 * time.Hour, 3 * time.Minute}
	aMorning = window{78 * time.Hour, 8 * time.Hour, time.Minute}
)

// views are the panels that have a picture, by dashboard and title.
var views = map[string]view{
	"hindcast-autoscaler/What was expected, and what came":   {"v3", aMorning, "requests/s"},
	"hindcast-autoscaler/Accuracy and skill":                 {"v3", all, ""},
	"hindcast-autoscaler/Replicas":                           {"v3", aDay, "replicas"},
	"hindcast-autoscaler/Reasons":                            {"v3", aDay, "decisions in 5 min"},
	"hindcast-autoscaler/Changes of size":                    {"v3", aDay, "changes in 1 h"},
	"hindcast-autoscaler/From created to ready":              {"v3", all, ""},
	"hindcast-autoscaler/The HPA":                            {"hpa", aDay, "replicas"},
	"hindcast-autoscaler/Error budget burn":                  {"v3", all, "times the allowed rate"},
	"hindcast-autoscaler/Cost an hour":                       {"v3|v2|hpa", aDay, "price an hour"},
	"hindcast-autoscaler/Requested CPU that is used":         {".*", aDay, ""},
	"hindcast-autoscaler/Errors":                             {"v3", aDay, "errors in 5 min"},
	"hindcast-autoscaler/Stale, and demotions":               {"v3", aDay, ""},
	"hindcast-resources/CPU":                                 {"v3", all, "cores"},
	"hindcast-resources/CPU of a pod":                        {"v3", aDay, "cores"},
	"hindcast-resources/Memory":                              {"v3", aDay, ""},
	"hindcast-resources/Network":                             {"v3", all, ""},
	"hindcast-resources/Disk operations":                     {"v3", aDay, ""},
	"hindcast-resources/Pods by phase":                       {"v3", aDay, "pods"},
	"hindcast-resources/Scheduling time":                     {"v3", aDay, ""},
	"hindcast-resources/Restarts":                            {"v3|v2|hpa", aDay, "restarts in 1 h"},
	"hindcast-resources/Requested cores":                     {"v3", aDay, "cores"},
	"hindcast-resources/Nodes":                               {"v3", aDay, "nodes"},
	"hindcast-resources/CPU of nodes":                        {"v3", aDay, ""},
	"hindcast-resources/Targets that cannot be scraped":      {"v3", aDay, "targets"},
	"hindcast-application/Rate":                              {"v3", all, ""},
	"hindcast-application/Latency":                           {"v3", all, ""},
	"hindcast-application/Errors by code":                    {"v3", aDay, ""},
	"hindcast-application/Requests that are not good":        {"v3", all, ""},
	"hindcast-application/In flight, and waiting":            {"v3", aDay, "requests"},
	"hindcast-application/Longest queue of a pod":            {"v3", aDay, "requests"},
	"hindcast-application/Transactions":                      {"v3", all, ""},
	"hindcast-backtest/Ready replicas":                       {".*", aDay, "replicas"},
	"hindcast-backtest/Asked for beyond perfect foresight":   {".*", aDay, "replicas"},
	"hindcast-backtest/Error budget burn over an hour":       {".*", all, "times the allowed rate"},
	"hindcast-backtest/Replicas that the candidate has more": {".*", aDay, "replicas"},
	"hindcast-backtest/p99":                                  {".*", aDay, ""},
}

// units are the words for Grafana's, and what values are multiplied by.
var units = map[string]struct {
	words string
	scale float64
}{
	"short":       {"number", 1},
	"none":        {"", 1},
	"percentunit": {"%", 100},
	"s":           {"s", 1},
	"bytes":       {"GiB", 1. / (1 << 30)},
	"Bps":         {"MB/s", 1e-6},
	"reqps":       {"requests/s", 1},
	"ops":         {"a second", 1},
	"iops":        {"operations/s", 1},
	"pps":         {"packets/s", 1},
}
