package policytest

// Formats returns the types of the file format, for the test of its page.
func Formats() []any { return []any{fileFormat{}, testFormat{}, podFormat{}, seriesFormat{}} }
