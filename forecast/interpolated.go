package forecast

// interpolated returns the values with gaps filled by straight lines, at the ends by the
// nearest value; none at all where nothing was observed.
func interpolated(values []float64) []float64 {
	out := make([]float64, 0, len(values))
	last := -1
	for i, y := range values {
		if !isObserved(y) {
			continue
		}
		for j := last + 1; j < i; j++ {
			if last < 0 {
				out = append(out, y)
			} else {
				share := float64(j-last) / float64(i-last)
				out = append(out, values[last]+share*(y-values[last]))
			}
		}
		out = append(out, y)
		last = i
	}
	if last < 0 {
		return nil
	}
	for len(out) < len(values) {
		out = append(out, values[last])
	}
	return out
}
