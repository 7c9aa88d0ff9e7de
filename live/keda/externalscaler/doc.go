// Package externalscaler is the interface of KEDA's external scalers, generated from its
// .proto file.
package externalscaler
