package policy

// MinReplicas returns the lower bound in force.
func (h *HPA) MinReplicas() int32 { return h.min }

// MaxReplicas returns the maxReplicas in force.
func (h *HPA) MaxReplicas() int32 { return h.max }

// SetMinReplicas moves the lower bound, as whoever edits the HPA would: up to
// maxReplicas, and not below 1 unless an HPA with these metrics may scale to zero.
func (h *HPA) SetMinReplicas(n int32) {
	lowest := int32(1)
	if h.gateZero && h.global {
		lowest = 0
	}
	h.min = min(max(n, lowest), h.max)
}
