package forecast

// ExpertsOf are the experts of Auto that suit a series.
func ExpertsOf(m Auto, past Series) []Expert { return m.withDefaults().experts(past) }
