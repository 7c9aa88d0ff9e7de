package v1alpha1

// Policies returns the ids of the built-in policies.
func Policies() []string { return []string{"static", "hpa", "v2", "v3", "oracle"} }

// Models returns the ids of the built-in forecasting models.
func Models() []string {
	return []string{
		"naive", "seasonal-naive", "naive2", "ses", "median", "moving-average", "holt", "damped",
		"profile", "jumps", "mstl", "theta", "dotm", "holt-winters", "ets", "arima", "harmonic", "harmonic-arma",
		"nlinear", "dlinear", "forest", "trees", "lstm", "gru", "prophet", "ridge", "auto",
	}
}

// TransformedPrefix before the id of a model stands for that model on a scale chosen from
// the past, such as "transformed:ets".
const TransformedPrefix = "transformed:"

// Units returns the units in which the load of a dataset may be given.
func Units() []string { return []string{"rps", "cores", "percent", "count-per-step"} }
