package policy

import (
	"math"
	"time"
)

// V3Status is what V3 knows of one of its metrics, for whoever shows it. Reading it
// changes nothing.
type V3Status struct {
	Metric   string
	Observed float64 // newest value; NaN: none within StaleAfter
	Learning bool    // too little was seen to forecast
	Stale    bool    // it forecasts, but from old data
	// Demoted says that last value is in force for want of the model's skill, and
	// Demotions how often that happened.
	Demoted   bool
	Demotions int
	// Skill is 1 - pinball loss of the model / that of last value, for the quantile in
	// use of the highest value within the lead; NaN: not known yet.
	Skill float64
	// Horizons are those of scaling up and of scaling down, the shorter one first; one
	// where they are equal.
	Horizons []V3Horizon
}

// V3Horizon is what is known of one horizon.
type V3Horizon struct {
	Horizon time.Duration
	// Accuracy is 1 - WAPE of the point forecasts this far ahead; NaN: not known yet.
	Accuracy float64
	outlook  *outlook
	steps    int
}

// Upper returns the quantile in force at level q in (0,1) of the highest value between
// now and the horizon; NaN: there is none.
func (h V3Horizon) Upper(q float64) float64 {
	if h.outlook.predictor == nil {
		return math.NaN()
	}
	return h.outlook.from.Upper(h.steps, q)
}

// Quantile is the level at which V3 plans.
func (v *V3) Quantile() float64 { return v.cfg.Quantile }

// StaleAfter is the age from which the last known load no longer counts.
func (v *V3) StaleAfter() time.Duration { return v.cfg.StaleAfter }

// Bounds are the fewest and the most replicas that V3 asks for.
func (v *V3) Bounds() (fewest, most int32) { return v.cfg.Min, v.cfg.Max }

// Status appends what V3 knew of each metric at its last decision, made at now, to dst
// and returns it.
func (v *V3) Status(dst []V3Status, now time.Time) []V3Status {
	for _, o := range v.outlooks {
		dst = append(dst, o.status(now))
	}
	return dst
}

func (o *outlook) status(now time.Time) V3Status {
	s := V3Status{
		Metric: o.metric.Name, Observed: o.last,
		Learning: o.learning(), Demoted: o.demoted, Demotions: o.demotions, Skill: math.NaN(),
	}
	if o.lastAt.IsZero() || now.Sub(o.lastAt) >= o.cfg.StaleAfter {
		s.Observed, s.Stale = math.NaN(), !s.Learning
	}
	if o.skill.known() {
		s.Skill = o.skill.value()
	}
	for i, steps := range []int{o.lead, o.long} {
		if i > 0 && steps == o.lead {
			break
		}
		s.Horizons = append(s.Horizons, V3Horizon{
			Horizon: time.Duration(steps) * o.cfg.Step, Accuracy: o.accuracy[i].value(), outlook: o, steps: steps,
		})
	}
	return s
}

// learning reports that too little was seen to forecast.
func (o *outlook) learning() bool {
	return o.predictor == nil || min(o.from.Scores(o.lead), o.from.Scores(o.long)) < fewestScores
}
