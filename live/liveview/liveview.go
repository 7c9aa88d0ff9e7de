// Package liveview is what was seen of one live scaler over a time, as figures: what
// liveread finds out and reports draw.
//
// It is a leaf: it asks nobody, works nothing out and draws nothing. A value that is not
// known is NaN, never 0.
package liveview

import "time"

// A View is one scaler over a range of time. All series have a value for each of Steps
// instants: From, From+Step, ...
type View struct {
	Namespace, Name string
	Server          string // that was asked
	From, To        time.Time
	Step            time.Duration
	Steps           int

	// Desired is what each decision asked for, Current what ran then (.status.replicas),
	// Fewest and Most are the limits of the scaler. All in replicas, and NaN while nobody
	// decided.
	Desired, Current, Fewest, Most []float64
	Metrics                        []Metric

	// Modes are those that were in force at some time.
	Modes []Mode
	// Stale is 1 while a metric had no current data, else 0; StaleSeconds how long it was.
	Stale        []float64
	StaleSeconds float64
	// Reasons are the decisions by reason, the most frequent first; QueryErrors the queries
	// that failed or had no data, by metric; ScaleErrors the reads and updates of replicas
	// that failed; Restarts how often the loop began anew, by reason.
	Reasons, QueryErrors   []Events
	Restarts               []Events
	Demotions, ScaleErrors Events
	DecisionSeconds        float64 // mean time to decide

	// Sums are what ran and what would have, by the mode in force then.
	Sums    []Sums
	Running Cumulative
	Verdict Verdict

	// WatchedSeconds is how long somebody decided and it was seen; Gaps are when not.
	WatchedSeconds float64
	Gaps           []Gap
	// Controllers are the processes that decided, in the order of their first decision.
	Controllers []Controller
	// Missing are metrics without any sample, Notes what else to know before trusting it.
	Missing []Missing
	Notes   []string
}

// A Metric is one of the metrics that the scaler forecasts, in its own unit.
type Metric struct {
	Name     string
	Observed []float64
	Skill    Rolling
	// Horizons are those of its forecasts, the shortest first.
	Horizons []Horizon
}

// A Horizon is how far ahead forecasts looked. The forecast made at step i was for the
// highest value after then, until Ahead later.
type Horizon struct {
	Ahead     time.Duration
	Quantiles []Quantile // the lowest first
	// Came is, for each step at which there was a forecast, the highest value of the
	// decisions after it until its end; NaN where a value in between is missing or yet to come.
	Came     []float64
	Accuracy Rolling
}

// A Quantile is the forecasts at one level, by the step at which they were made.
type Quantile struct {
	Level     float64
	Forecasts []float64
	// Judged is how many of them can be compared with what came, and Held the share of
	// those that it did not exceed: it should be near Level.
	Judged int
	Held   float64
}

// A Rolling is a figure that the controller works out over about a day, as it was at each
// step.
type Rolling struct {
	Values                  []float64
	Last, Mean, Lowest      float64
	BelowZero, KnownSeconds float64 // share of the known time, and that time
}

// A Mode is a mode of the scaler, 1 while it was in force, else 0.
type Mode struct {
	Name    string
	Values  []float64
	Seconds float64
}

// Events are a counter: how much it rose up to each step since the one before.
type Events struct {
	Name  string
	Rises []float64
	Total float64
}

// Sums are over the time in which a mode was in force: replica-hours that ran and that
// would have, had every decision been carried out and taken effect after the lead; and
// hours in which fewer ran, or would have, than the load needed by the targets of the
// metrics.
type Sums struct {
	Mode         string // empty: not known
	WatchedHours float64

	ReplicaHours, DecidedReplicaHours float64
	ShortHours, DecidedShortHours     float64
}

// Cumulative are the sums of all modes, as they grew.
type Cumulative struct {
	ReplicaHours, DecidedReplicaHours, ShortHours, DecidedShortHours []float64
}

// Than says how what would have been compares with what was.
type Than int

// What a figure may be.
const (
	Unknown Than = iota
	Less
	Same
	More
)

// A Verdict compares, over the time in Shadow, what the decisions would have cost and
// prevented with what happened.
type Verdict struct {
	Sums
	Cost, Short Than
	// PerReplicaHour is the price of a replica-hour; NaN: not known.
	PerReplicaHour float64
}

// A Gap is a time in which nobody was seen to decide.
type Gap struct{ From, To time.Time }

// A Controller is a process that decided, by the labels of its scrape.
type Controller struct {
	Labels      string
	First, Last time.Time // of what was drawn from it
}

// Missing is a metric without a sample, and what the page lacks for it.
type Missing struct{ Name, Lacks string }
