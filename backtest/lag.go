package backtest

import (
	"time"

	"hindcast.dev/api/v1alpha1"
)

// lags are the times in which samples reach queries late: those of scalers, wherever they ask, such
// as in a remote store that is behind. The rules of Prometheus itself see every sample.
type lags []lag

type lag struct {
	from, until time.Time
	delay       time.Duration
}

// lagsOf returns the lags among faults; nil: there are none.
func (e *env) lagsOf(all []fault) lags {
	var out lags
	for _, f := range all {
		if f.kind == v1alpha1.FaultScrapeLag {
			out = append(out, lag{e.load.Start.Add(f.at), e.load.Start.Add(f.end), f.delay})
		}
	}
	return out
}

// at returns how much later than usual samples are seen at an instant. What has been seen is not
// unseen: at first nothing new comes, for as long as the delay. Of several lags the longest counts.
// When one is over, all that it held back is there.
func (l lags) at(t time.Time) time.Duration {
	longest := time.Duration(0)
	for _, one := range l {
		if t.Before(one.from) || !t.Before(one.until) {
			continue
		}
		longest = max(longest, min(one.delay, t.Sub(one.from)))
	}
	return longest
}
