// Package keda serves the decisions of PredictiveScalers to KEDA, as an external scaler:
// gRPC by mutual TLS, the interface of package externalscaler.
//
// A trigger names the scaler in its metadata; the namespace is that of the ScaledObject.
// The one metric is the number of replicas decided on, with a target of 1. What is not
// known is an error, never a number and never "inactive".
package keda
