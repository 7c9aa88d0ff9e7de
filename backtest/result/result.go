// Package result holds what a backtest leaves behind: the types of result.json
// (schema hindcast/result/v1), the timeline of each policy, and how a run's folder
// is written whole and read back. It computes nothing and draws nothing.
package result

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// Schema names the version of result.json. Fields are added, never renamed.
const Schema = "hindcast/result/v1"

// A Number is a float that JSON shows as null where it is undefined (NaN or
// infinite).
type Number float64

// Undefined is the Number that JSON shows as null.
func Undefined() Number { return Number(math.NaN()) }

// Defined reports whether n has a value.
func (n Number) Defined() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// MarshalJSON writes the shortest text that reads back as the same number.
func (n Number) MarshalJSON() ([]byte, error) {
	if !n.Defined() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads a number or null.
func (n *Number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = Undefined()
		return nil
	}
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return err
	}
	*n = Number(v)
	return nil
}

// Result is result.json.
type Result struct {
	Schema  string  `json:"schema"`
	Seed    uint64  `json:"seed"`
	Seeds   int     `json:"seeds"`
	Dataset Dataset `json:"dataset"`
	App     App     `json:"app"`
	SLO     SLO     `json:"slo"`
	// Policies are the runs as configured, of the first seed's means over seeds.
	Policies []Policy `json:"policies"`
	// Runs are all points of the sweeps.
	Runs        []Run        `json:"runs"`
	Forecasts   []Forecast   `json:"forecasts"`
	Comparisons []Comparison `json:"comparisons"`
	// Verdict is the headline; null where no equal-SLA comparison was made.
	Verdict *Verdict `json:"verdict"`
	// Faults are what went wrong in the world of the first seed, in order of time.
	Faults []Fault `json:"faults,omitempty"`
	// FaultsBySeed are those of every seed, where there are several.
	FaultsBySeed []SeedFaults `json:"faultsBySeed,omitempty"`
	// Notes are facts that a reader must know to judge the numbers, in order of
	// weight; one sentence each.
	Notes []string `json:"notes"`
}

// Dataset describes the load.
type Dataset struct {
	Name        string    `json:"name"`
	Start       time.Time `json:"start"`
	End         time.Time `json:"end"`
	StepSeconds float64   `json:"stepSeconds"`
	Points      int       `json:"points"`
	Missing     int       `json:"missing"`
	Unit        string    `json:"unit"`
	LoadFactor  float64   `json:"loadFactor"` // k: simulated rps = factor * recorded rps
	ScoredFrom  time.Time `json:"scoredFrom"`
	Relative    bool      `json:"relative"`    // the source has no real dates
	MaxLoad     float64   `json:"maxLoad"`     // highest scored load, rps
	NoiseFloor  Number    `json:"noiseFloor"`  // of WAPE, for counts
	SeasonSteps []int     `json:"seasonSteps"` // seasons found, in steps
}

// Fault is something that went wrong in the simulated world, or was done to it, whatever the
// policy.
type Fault struct {
	Kind  string    `json:"kind"`
	Start time.Time `json:"start"`
	End   time.Time `json:"end"` // Start, where it does not last
	// Description says in words what happened.
	Description string  `json:"description"`
	Job         string  `json:"job,omitempty"`   // whose targets did not answer
	Share       float64 `json:"share,omitempty"` // of the pods, nodes or requests that were hit; 0: one, or all
	// Factor is how many times as long a start took, and Stage the part of it that did; "": all.
	Factor float64 `json:"factor,omitempty"`
	Stage  string  `json:"stage,omitempty"`
	// DelaySeconds is how late samples were seen.
	DelaySeconds float64 `json:"delaySeconds,omitempty"`
	// Requests that were refused: writes, or all.
	Requests string `json:"requests,omitempty"`
	// RequestsGood is, by policy, the share of good requests from Start until 10 minutes after End;
	// empty where the fault began before the scored part.
	RequestsGood map[string]Number `json:"requestsGood,omitempty"`
}

// SeedFaults are the faults in the world of one seed, in order of time.
type SeedFaults struct {
	Seed   uint64  `json:"seed"`
	Faults []Fault `json:"faults"`
}

// Hit is what a fault met under a policy: which pods there were is the policy's doing.
type Hit struct {
	Seed  uint64   `json:"seed"`
	Fault int      `json:"fault"`           // its place among those of the seed, from 0
	Nodes []string `json:"nodes,omitempty"` // that failed, or on which starts were slow
	Pods  []string `json:"pods"`            // that crashed, or were on the nodes
}

// App sums up the simulated application for the reader.
type App struct {
	Description         string  `json:"description"`
	CapacityPerReplica  float64 `json:"capacityPerReplica"` // rps at the objective, warm
	MinReplicas         int32   `json:"minReplicas"`
	MaxReplicas         int32   `json:"maxReplicas"`
	ReadyP50Seconds     float64 `json:"readyP50Seconds"`
	ReadyP95Seconds     float64 `json:"readyP95Seconds"`
	BestReachableSLA    Number  `json:"bestReachableSLA"` // requestsGood of maxReplicas warm replicas all the time
	MaxDemand           int32   `json:"maxDemand"`
	PricePerReplicaHour float64 `json:"pricePerReplicaHour"`
	PricePerNodeHour    float64 `json:"pricePerNodeHour"`
}

// SLO is the objective that all policies are scored against.
type SLO struct {
	LatencySeconds float64 `json:"latencySeconds"`
	Objective      float64 `json:"objective"` // a fraction: 0.999
}

// Policy is one policy as configured; figures are means over the seeds.
type Policy struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	// Description is the policy's setting in words.
	Description  string       `json:"description"`
	SLA          SLA          `json:"sla"`
	Latency      Latency      `json:"latencySeconds"`
	Provisioning Provisioning `json:"provisioning"`
	Cost         Cost         `json:"cost"`
	Scaling      Scaling      `json:"scaling"`
	Alerts       []Alert      `json:"alerts"`
	// AtMax says what the most replicas that the policy may have kept from it; absent where it
	// was never short of them.
	AtMax *AtMax `json:"atMax,omitempty"`
	// Hits are what faults that hit pods or nodes met, by seed and in order of time.
	Hits []Hit `json:"hits,omitempty"`
}

// AtMax says that a policy had asked for all the replicas that it may have while the demand was higher.
type AtMax struct {
	MaxReplicas int32  `json:"maxReplicas"`
	TimeShare   Number `json:"timeShare"` // of the time with demand
	BadShare    Number `json:"badShare"`  // of its bad requests, in that time
}

// SLA says how many requests and minutes were good; fractions.
type SLA struct {
	RequestsGood     Number `json:"requestsGood"`
	MinutesGood      Number `json:"minutesGood"`
	Availability     Number `json:"availability"`
	ErrorBudgetSpent Number `json:"errorBudgetSpent"` // 1 = all of it
}

// Latency holds quantiles of the response time in seconds.
type Latency struct {
	P50 Number `json:"p50"`
	P95 Number `json:"p95"`
	P99 Number `json:"p99"`
}

// Provisioning measures supply against demand; fractions, demand is the
// denominator, only time with demand > 0 counts.
type Provisioning struct {
	ThetaOver        Number `json:"thetaOver"`
	ThetaUnder       Number `json:"thetaUnder"`
	TauOver          Number `json:"tauOver"`
	TauUnder         Number `json:"tauUnder"`
	Instability      Number `json:"instability"`
	IdleReplicaHours Number `json:"idleReplicaHours"` // ready replica-hours while demand is 0
}

// Cost is what was paid for.
type Cost struct {
	PodHours  Number `json:"podHours"`
	NodeHours Number `json:"nodeHours"`
	Price     Number `json:"price"`
}

// Scaling counts changes of .spec.replicas and times the rises of demand.
type Scaling struct {
	Actions        int            `json:"actions"`
	Reversals      int            `json:"reversals"` // an action against the direction of the last, within 10 min
	ScaleUpSeconds ScaleUpSeconds `json:"scaleUpSeconds"`
	Refused        int            `json:"refused,omitempty"` // changes that the API server refused
}

// ScaleUpSeconds is the time from a rise of demand to as many ready replicas.
type ScaleUpSeconds struct {
	N    int    `json:"n"`
	Mean Number `json:"mean"`
	P50  Number `json:"p50"`
	P95  Number `json:"p95"`
}

// Alert is an alert that would have fired.
type Alert struct {
	Name    string  `json:"name"`
	Firings int     `json:"firings"`
	Seconds float64 `json:"seconds"`
}

// Samples of comparisons and runs.
const (
	AsConfigured = "as-configured"
	EqualSLA     = "equal-sla"
	EqualSLAPast = "equal-sla-past"
	EqualCost    = "equal-cost"
)

// Run is one point of a sweep: a policy with one value of its knob.
type Run struct {
	Policy       string       `json:"policy"`
	Sample       string       `json:"sample"`
	Knob         string       `json:"knob"` // what the value is: "target CPU utilisation, %"
	Value        Number       `json:"value"`
	AtObjective  bool         `json:"atObjective"` // requestsGood reaches the objective
	SLA          SLA          `json:"sla"`
	Provisioning Provisioning `json:"provisioning"`
	Cost         Cost         `json:"cost"`
	Scaling      Scaling      `json:"scaling"`
}

// Forecast is the accuracy of one model at one horizon.
type Forecast struct {
	Model          string `json:"model"`
	HorizonSeconds int    `json:"horizonSeconds"`
	N              int    `json:"n"`
	Accuracy       Number `json:"accuracy"`
	WAPE           Number `json:"wape"`
	MASE           Number `json:"mase"`
	RMSSE          Number `json:"rmsse"`
	Pinball        Number `json:"pinball"`
	Coverage80     Number `json:"coverage80"`
	Coverage95     Number `json:"coverage95"`
	Bias           Number `json:"bias"`
}

// Comparison compares a candidate with a baseline on one sample. Reductions are
// 1 - candidate/baseline.
type Comparison struct {
	Candidate                 string `json:"candidate"`
	Baseline                  string `json:"baseline"`
	Sample                    string `json:"sample"`
	AtObjective               bool   `json:"atObjective"`
	SLA                       Number `json:"sla"` // the requestsGood that both are compared at (equal-sla)
	OverProvisioningReduction Number `json:"overProvisioningReduction"`
	ScaleUpTimeReduction      Number `json:"scaleUpTimeReduction"`
	CostReduction             Number `json:"costReduction"`
	SLADifference             Number `json:"slaDifference"`
	// The mean times from a rise of demand to as many ready replicas, which the
	// reduction is the ratio of: it may be large where both are next to nothing.
	CandidateScaleUpSeconds Number     `json:"candidateScaleUpSeconds"`
	BaselineScaleUpSeconds  Number     `json:"baselineScaleUpSeconds"`
	Confidence              Confidence `json:"confidence"`
}

// Confidence holds intervals from a paired moving-block bootstrap over days and
// seeds; null under 7 scored days.
type Confidence struct {
	Level            float64   `json:"level"`
	OverProvisioning *Interval `json:"overProvisioning"`
	ScaleUpTime      *Interval `json:"scaleUpTime"`
	Cost             *Interval `json:"cost"`
	SLA              *Interval `json:"sla"`
}

// Interval is [low, high].
type Interval [2]Number

// Verdict is the headline: the candidate against the baseline at equal SLA.
type Verdict struct {
	Candidate   string `json:"candidate"`
	Baseline    string `json:"baseline"`
	Outcome     string `json:"outcome"` // better, worse, no difference, inconclusive
	AtObjective bool   `json:"atObjective"`
	// Sentence says it in one sentence of plain words with its numbers.
	Sentence string `json:"sentence"`
}

// Outcomes of a verdict.
const (
	Better       = "better"
	Worse        = "worse"
	Same         = "no difference"
	Inconclusive = "inconclusive"
)
