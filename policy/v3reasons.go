package policy

// What the reason of a decision of V3 begins with, up to a colon.
const (
	v3Disabled  = "ScalingDisabled"
	v3Learning  = "Learning"
	v3ScaleUp   = "ScaleUp"
	v3ScaleDown = "ScaleDown"
	v3CPUFloor  = "CPUFloor"
	v3Steady    = "Steady"
	v3Gap       = "Gap"
	v3Stale     = "Stale"
)

// V3Reasons returns the words of which the reason of every decision of V3 begins with one, up to a colon: what
// decisions are counted by.
func V3Reasons() []string {
	return []string{v3Disabled, v3Learning, v3ScaleUp, v3ScaleDown, v3CPUFloor, v3Steady, v3Gap, v3Stale}
}
