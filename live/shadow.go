package live

import (
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
)

// longestGap bounds the time that one decision stands for in the sums.
const longestGap = 5 * time.Minute

// A shadow sums what ran and what would have run, had every decision been carried out and
// had new replicas served after the lead.
type shadow struct {
	lead time.Duration
	// floor says that the decisions are the floor of an HPA, which runs more where it wants more.
	floor           bool
	since, last     time.Time
	decisions       []decided // those of the last lead, the oldest first
	actual, decided hours
}

type decided struct {
	at       time.Time
	replicas int32
}

// hours are sums over time.
type hours struct{ replicas, short float64 } // replica-hours, hours

// a tick is what one step adds to the sums.
type tick struct{ actual, decided hours }

// step adds the time since the last step. running and needed are those of now, known
// says whether needed is.
func (s *shadow) step(now time.Time, running, decision, needed int32, known bool) tick {
	var t tick
	if s.since.IsZero() {
		s.since = now
	}
	if s.last.IsZero() {
		s.last = now // of what ran before the first step nobody saw anything
	}
	dt := min(now.Sub(s.last), longestGap)
	s.last = now
	serving := decision
	for len(s.decisions) > 1 && now.Sub(s.decisions[1].at) >= s.lead {
		s.decisions = s.decisions[1:]
	}
	for _, d := range s.decisions {
		serving = min(serving, d.replicas)
	}
	if s.floor {
		serving = max(serving, running)
	}
	if n := len(s.decisions); n == 0 || s.decisions[n-1].replicas != decision {
		s.decisions = append(s.decisions, decided{now, decision})
	}
	if dt <= 0 {
		return t
	}
	h := dt.Hours()
	t.actual.replicas, t.decided.replicas = float64(running)*h, float64(serving)*h
	if known && running < needed {
		t.actual.short = h
	}
	if known && serving < needed {
		t.decided.short = h
	}
	s.actual.add(t.actual)
	s.decided.add(t.decided)
	return t
}

func (h *hours) add(o hours) { h.replicas, h.short = h.replicas+o.replicas, h.short+o.short }

func (s *shadow) status() *v1alpha1.ShadowStatus {
	if s.since.IsZero() {
		return nil
	}
	return &v1alpha1.ShadowStatus{
		Since:               metav1.NewTime(s.since),
		ReplicaHours:        inHours(s.actual.replicas),
		DecidedReplicaHours: inHours(s.decided.replicas),
		ShortHours:          inHours(s.actual.short),
		DecidedShortHours:   inHours(s.decided.short),
	}
}

// resume continues the sums of a status that was written before a restart.
func (s *shadow) resume(st *v1alpha1.ShadowStatus) {
	if st == nil {
		return
	}
	s.since = st.Since.Time
	s.actual = hours{st.ReplicaHours.Or(0), st.ShortHours.Or(0)}
	s.decided = hours{st.DecidedReplicaHours.Or(0), st.DecidedShortHours.Or(0)}
}

func inHours(h float64) v1alpha1.Decimal {
	return v1alpha1.Decimal(strconv.FormatFloat(h, 'f', 4, 64))
}
