// Package v1alpha1 holds the objects of API group autoscaling.hindcast.dev/v1alpha1:
// PredictiveScaler, which a cluster accepts, and Experiment, which is only ever a
// file. It has their types, defaults, validation and strict decoding; it decides
// and runs nothing.
//
// +groupName=autoscaling.hindcast.dev
package v1alpha1
