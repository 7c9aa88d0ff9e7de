// Package clustertest runs a real Kubernetes API server, and around it a whole control
// plane if wanted, for tests. It builds and downloads nothing (make envtest-assets
// does), knows nothing of this house, and judges nothing.
package clustertest
