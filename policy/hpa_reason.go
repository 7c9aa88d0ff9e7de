package policy

// The reasons of the conditions of an HPA, in the words of Kubernetes.
const (
	reasonSucceededGetScale   = "SucceededGetScale"
	reasonReady               = "ReadyForNewScale"
	reasonScaleUpStabilized   = "ScaleUpStabilized"
	reasonScaleDownStabilized = "ScaleDownStabilized"
	reasonSucceededRescale    = "SucceededRescale"

	reasonValidMetric     = "ValidMetricFound"
	reasonScalingDisabled = "ScalingDisabled"

	reasonWithinRange     = "DesiredWithinRange"
	reasonTooFewReplicas  = "TooFewReplicas"
	reasonTooManyReplicas = "TooManyReplicas"
	reasonScaleUpLimit    = "ScaleUpLimit"
	reasonScaleDownLimit  = "ScaleDownLimit"

	reasonScaledToZero    = "ScaledToZero"
	reasonNotScaledToZero = "NotScaledToZero"
)

// Sentences that are not told by a reason alone.
const (
	sentenceAboveMax = reasonTooManyReplicas + ": current number of replicas above spec.maxReplicas"
	sentenceBelowMin = reasonTooFewReplicas + ": current number of replicas below spec.minReplicas"
	sentenceAllBelow = reasonReady + ": all metrics below target"
)

// The names of the clamps of an HPA.
const (
	clampStabilization = "stabilization"
	clampScaleUpRate   = "scale-up rate"
	clampScaleDownRate = "scale-down rate"
	clampMin           = "min"
	clampMax           = "max"
)

// sentence says a reason to humans. All of it is constant: half a million
// decisions of a run share the strings.
func sentence(reason string) string {
	switch reason {
	case reasonScalingDisabled:
		return reasonScalingDisabled + ": the replica count of the target is zero"
	case reasonScaleUpStabilized:
		return reasonScaleUpStabilized + ": recent recommendations were lower, the lowest applies"
	case reasonScaleDownStabilized:
		return reasonScaleDownStabilized + ": recent recommendations were higher, the highest applies"
	case reasonWithinRange:
		return reasonWithinRange + ": the desired count is the current one"
	case reasonTooFewReplicas:
		return reasonTooFewReplicas + ": the desired count is less than spec.minReplicas"
	case reasonTooManyReplicas:
		return reasonTooManyReplicas + ": the desired count is more than spec.maxReplicas"
	case reasonScaleUpLimit:
		return reasonScaleUpLimit + ": the desired count grows faster than the maximum scale rate"
	case reasonScaleDownLimit:
		return reasonScaleDownLimit + ": the desired count falls faster than the maximum scale rate"
	}
	return reason
}

// clampName names the limit behind a reason of the condition ScalingLimited.
func clampName(reason string) string {
	switch reason {
	case reasonScaleUpLimit:
		return clampScaleUpRate
	case reasonScaleDownLimit:
		return clampScaleDownRate
	case reasonTooFewReplicas:
		return clampMin
	}
	return clampMax
}
