// Package external serves the decisions of PredictiveScalers as the external metrics API
// of Kubernetes, for HorizontalPodAutoscalers that somebody else owns.
//
// It is an aggregated API server of two metrics. Only the API server's front proxy may
// talk to it, by a client certificate; whom the proxy speaks for is asked about in a
// SubjectAccessReview. It decides nothing, and what it does not know is an error, never
// a number: an HPA then keeps its replicas.
package external
