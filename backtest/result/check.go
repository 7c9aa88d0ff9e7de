package result

// A CheckOutcome is what a check says.
type CheckOutcome string

// The outcomes of a check, from best to worst.
const (
	CheckPass         CheckOutcome = "pass"
	CheckInconclusive CheckOutcome = "inconclusive"
	CheckRegression   CheckOutcome = "regression"
)

// A Check is a run held against a baseline.
type Check struct {
	Outcome  CheckOutcome
	Series   string // the load
	Baseline string // the file
	Level    float64
	Guards   []Guard // never empty
}

// A Guard is one figure held against its baseline.
type Guard struct {
	Outcome CheckOutcome
	Subject string // a model or a policy
	Measure string
	Unit    string // of Old and New: "%" for fractions, else none
	Old     Number
	New     Number
	// Loss is how much worse the figure got, a fraction: of the baseline's figure, or
	// of the error budget. Interval holds it, Margin is how much is tolerated.
	Loss     Number
	Interval *Interval // nil: too short to tell, or nothing changed
	Margin   float64
	Reason   string // one sentence
}

// Count returns how many guards have an outcome.
func (c *Check) Count(o CheckOutcome) int {
	n := 0
	for i := range c.Guards {
		if c.Guards[i].Outcome == o {
			n++
		}
	}
	return n
}
