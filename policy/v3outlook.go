package policy

import (
	"fmt"
	"math"
	"time"

	"hindcast.dev/forecast"
)

type outlookState uint8

const (
	outlookLearning outlookState = iota
	outlookCurrent
	outlookStale
)

// wanted is what one metric asks for.
type wanted struct {
	state    outlookState
	age      time.Duration // of the last value, since the decision
	grew     bool          // since then, by the CPU of the pods
	up, down int32         // replicas for the lead window, and for the longer one
	proposal Proposal
	forecast *Forecast
}

// calibration is how many scores of past forecasts a quantile is taken from: those
// of a week of minutes.
const calibration = 7 * 24 * 60

// fewestScores is how many forecasts must have been judged before a quantile is
// taken from them.
const fewestScores = 20

// An outlook follows one metric: the series seen, its forecast, and how good the
// forecasts of its highest value over each window were.
type outlook struct {
	cfg    *V3Config
	metric V3Metric

	next      time.Time // when the next step is due
	fits      fits
	predictor forecast.Predictor // nil: not fitted yet
	path      []float64          // point forecasts of the next steps
	flat      []float64          // those of last value

	lead, long       int             // lengths of the windows, steps
	peaks, lastPeaks *forecast.Peaks // of the model, and of last value
	from             *forecast.Peaks // the one of them in force
	skill            skill
	accuracy         [2]accuracyTrack // at the lead and the long horizon
	demoted          bool
	demotions        int
	broken           bool      // the newest forecast of the model is no number
	last             float64   // newest observed value
	lastAt           time.Time // zero: none yet
	standIn          standIn
	guess            float64 // of the load, by the stand-in, where it grew without a value; else NaN
	surge            surge
	recurrence       recurrence
	recurs           skill   // of the bound with the recurrence against the one without
	leadUp, leadMean float64 // quantile and point of the highest load ahead
	longUp           float64
}

func newOutlook(cfg *V3Config, m V3Metric) (*outlook, error) {
	steps := func(d time.Duration) int { return max(1, int(math.Ceil(float64(d)/float64(cfg.Step)))) }
	lead, long := steps(cfg.Lead+cfg.Interval), steps(cfg.ScaleDownAfter+cfg.Interval)
	horizons := []int{lead, long}
	if lead == long {
		horizons = horizons[:1]
	}
	peaks, err := forecast.NewPeaks(forecast.Conformal{Horizons: horizons, Window: calibration})
	if err != nil {
		return nil, err
	}
	last, err := forecast.NewPeaks(forecast.Conformal{Horizons: horizons, Window: calibration})
	if err != nil {
		return nil, err
	}
	track := func() lossTrack { return lossTrack{quantile: cfg.Quantile, pending: make([]pendingMax, lead)} }
	return &outlook{
		cfg: cfg, metric: m, fits: newFits(cfg),
		path: make([]float64, max(lead, long)), flat: make([]float64, max(lead, long)),
		lead: lead, long: long, peaks: peaks, lastPeaks: last, from: peaks,
		skill:      skill{model: track(), last: track()},
		accuracy:   [2]accuracyTrack{newAccuracyTrack(lead), newAccuracyTrack(long)},
		recurrence: newRecurrence(cfg.Step, long),
		recurs:     skill{model: track(), last: track()},
		last:       math.NaN(), guess: math.NaN(),
	}, nil
}

// observe takes the value of a decision, and the CPU of the pods, millicores; the series,
// which knows nothing of CPU, moves once a step.
func (o *outlook) observe(now time.Time, v Value, milliCPU int64) {
	y := v.Value
	if v.Err != nil || math.IsInf(y, 0) || y < 0 {
		y = math.NaN()
	}
	if o.next.IsZero() {
		o.fits.start, o.next = now, now
	}
	// Steps that went by without a decision are missing, and know nothing of y.
	for ; now.Sub(o.next) >= o.cfg.Step; o.next = o.next.Add(o.cfg.Step) {
		o.step(math.NaN())
	}
	o.guess = math.NaN()
	if !math.IsNaN(y) {
		o.surge.observe(now, y, o.leadUp)
		o.standIn.observe(y, milliCPU)
		o.last, o.lastAt = y, now
	} else if guess := o.standIn.of(milliCPU); guess > grown*o.last {
		o.surge.observe(now, guess, o.leadUp)
		o.guess = guess
	} else if !math.IsNaN(guess) && !o.surge.on {
		o.surge.observe(now, guess, math.Inf(1))
	}
	if !now.Before(o.next) {
		o.step(y)
		o.next = o.next.Add(o.cfg.Step)
	}
}

// step moves the series one step forward.
func (o *outlook) step(y float64) {
	o.recurrence.step(y)
	if o.predictor = o.fits.step(o.predictor, y); o.predictor == nil {
		return
	}
	o.predictor.Predict(o.path)
	for i, v := range o.path {
		if math.IsInf(v, 0) {
			o.path[i] = math.NaN()
		}
		o.flat[i] = o.last
	}
	o.accuracy[0].step(y, o.path[o.lead-1])
	o.accuracy[1].step(y, o.path[o.long-1])
	o.peaks.Step(y, o.path)
	o.lastPeaks.Step(y, o.flat)
	o.skill.model.step(y, o.peaks.Upper(o.lead, o.cfg.Quantile))
	o.skill.last.step(y, o.lastPeaks.Upper(o.lead, o.cfg.Quantile))
	o.choose()
	o.recur(y)
}

// choose sets the quantiles in force, from the model or, while it is demoted, from
// last value.
func (o *outlook) choose() {
	if b := o.cfg.DemoteBelow; !math.IsNaN(b) {
		s := o.skill.value()
		switch {
		case s < b:
			if !o.demoted {
				o.demotions++
			}
			o.demoted = true
		case s > b+demotionMargin:
			o.demoted = false
		}
	}
	q := o.cfg.Quantile
	o.broken = math.IsNaN(o.peaks.Point(o.long))
	if o.from = o.peaks; o.demoted || o.broken {
		o.from = o.lastPeaks
	}
	// Where there is no forecast the last valid one stays in force.
	if up := o.from.Upper(o.lead, q); !math.IsNaN(up) {
		o.leadMean, o.leadUp = o.from.Point(o.lead), up
	}
	if up := o.from.Upper(o.long, q); !math.IsNaN(up) {
		o.longUp = up
	}
	o.longUp = max(o.leadUp, o.longUp)
}

// recur raises the bounds to what the load did at this time of the last days, as long
// as that would have paid in the recent past.
func (o *outlook) recur(y float64) {
	lead := o.recurrence.ahead(o.lead)
	if math.IsNaN(lead) {
		return // both are judged on the same steps
	}
	o.recurs.last.step(y, o.leadUp)
	o.recurs.model.step(y, max(o.leadUp, lead))
	if o.recurs.value() > 0 {
		o.leadUp = max(o.leadUp, lead)
		o.longUp = max(o.leadUp, o.longUp, o.recurrence.ahead(o.long))
	}
}

// wish turns the outlook into replicas.
func (o *outlook) wish(now time.Time) wanted {
	w := wanted{proposal: Proposal{Source: o.metric.Name}}
	if o.learning() {
		w.proposal.Detail = "learning"
		w.proposal.Err = o.fits.err
		return w
	}
	w.state, w.age = outlookCurrent, now.Sub(o.lastAt)
	if now.Sub(o.lastAt) >= o.cfg.StaleAfter {
		w.state = outlookStale
		w.proposal.Err = fmt.Errorf("last value is %v old: %w", now.Sub(o.lastAt).Round(time.Second), ErrNoData)
	}
	load, at := o.last, o.lastAt
	if w.grew = !math.IsNaN(o.guess); w.grew {
		load, at = o.guess, now
	}
	up, surging := o.leadUp, ""
	if now.Sub(at) < o.cfg.StaleAfter {
		if s := o.surge.ahead(load, now.Sub(at)+o.cfg.Lead+o.cfg.Interval); s > up {
			up, surging = s, fmt.Sprintf("surging to %.4g, ", s)
		}
	}
	w.up, w.down = o.replicas(up), o.replicas(max(up, o.longUp))
	if o.cfg.ReactiveFloor && now.Sub(at) < o.cfg.StaleAfter {
		floor := o.replicas(load)
		w.up, w.down = max(w.up, floor), max(w.down, floor)
	}
	name := o.cfg.Model.Name()
	switch {
	case o.fits.standIn:
		name = "naive (" + name + " failed: " + o.fits.err.Error() + ")"
	case o.broken:
		name = "naive (" + name + " gives no number)"
	case o.demoted:
		name = "naive (" + name + " demoted)"
	case o.fits.err != nil:
		name += " (as fitted before; the newest fit failed: " + o.fits.err.Error() + ")"
	}
	w.proposal.Replicas = w.up
	if w.grew {
		surging = fmt.Sprintf("%.4g by the CPU of the pods, ", o.guess) + surging
	}
	w.proposal.Detail = fmt.Sprintf("now %.4g, %sat most %.4g ahead at quantile %.4g, %.4g a replica",
		o.last, surging, o.leadUp, o.cfg.Quantile, o.metric.PerReplica)
	w.forecast = &Forecast{
		Metric: o.metric.Name, Model: name, Horizon: time.Duration(o.lead) * o.cfg.Step, Point: o.leadMean,
		Quantile: o.cfg.Quantile, Upper: up, Observed: o.last,
	}
	return w
}

func (o *outlook) replicas(load float64) int32 {
	if !(load > 0) {
		return 0
	}
	// The sum of a forecast's terms may exceed a whole number of replicas by rounding.
	return saturate(math.Ceil(load / o.metric.PerReplica * (1 - 1e-9)))
}

// A surge is a rise that leaves the bound of the forecast behind: nothing like it was
// seen while the model learned, so its trend is carried on in a straight line until
// it ends.
type surge struct {
	on      bool
	history [3]sighting // the newest last
}

type sighting struct {
	at    time.Time
	value float64
}

func (s *surge) observe(now time.Time, y, bound float64) {
	copy(s.history[:], s.history[1:])
	s.history[len(s.history)-1] = sighting{now, y}
	switch {
	case s.slope() <= 0:
		s.on = false
	case bound > 0 && y > bound:
		s.on = true
	}
}

// slope is the rise per second over the history, 0 while it is too short.
func (s *surge) slope() float64 {
	first, last := s.history[0], s.history[len(s.history)-1]
	if first.at.IsZero() || !first.at.Before(last.at) {
		return 0
	}
	return (last.value - first.value) / last.at.Sub(first.at).Seconds()
}

// ahead is where the surge will be after so long, 0 without one.
func (s *surge) ahead(last float64, after time.Duration) float64 {
	if !s.on {
		return 0
	}
	return last + max(0, s.slope())*after.Seconds()
}
