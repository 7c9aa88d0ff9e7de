package policy

import "time"

// Static keeps a fixed number of replicas: the answer of those who do not scale.
// Its one knob is N.
type Static struct {
	N        int32
	Interval time.Duration // time between two decisions; 0: 1 min
}

// Needs asks for nothing.
func (s Static) Needs() Needs {
	if s.Interval == 0 {
		return Needs{Interval: time.Minute}
	}
	return Needs{Interval: s.Interval}
}

// Decide returns N, whatever the input.
func (s Static) Decide(Input) Decision {
	return Decision{Replicas: s.N, Raw: s.N, Reason: "Static: a fixed number of replicas"}
}

var _ Policy = Static{}
