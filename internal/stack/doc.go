// Package stack is tests only: it runs the monitoring stack of manifests/ on real parts
// and asks the dashboards' queries of it. What it starts belongs to many rooms that must
// not know each other, so it lives outside all of them.
package stack
