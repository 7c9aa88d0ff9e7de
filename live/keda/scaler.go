package keda

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"hindcast.dev/live/external"
	"hindcast.dev/live/keda/externalscaler"
)

// lookEvery is how often a stream looks whether its scaler became active or inactive.
const lookEvery = time.Second

// A service answers KEDA.
type service struct {
	externalscaler.UnimplementedExternalScalerServer
	source external.Source
	// ended is closed when streams have to end.
	ended <-chan struct{}
}

// GetMetricSpec says that a replica carries one replica.
func (s *service) GetMetricSpec(_ context.Context, ref *externalscaler.ScaledObjectRef) (*externalscaler.GetMetricSpecResponse, error) {
	if _, err := scalerOf(ref); err != nil {
		return nil, err
	}
	return &externalscaler.GetMetricSpecResponse{MetricSpecs: []*externalscaler.MetricSpec{
		{MetricName: external.MetricDesired, TargetSize: 1, TargetSizeFloat: 1},
	}}, nil
}

// GetMetrics returns the replicas decided on.
func (s *service) GetMetrics(ctx context.Context, r *externalscaler.GetMetricsRequest) (*externalscaler.GetMetricsResponse, error) {
	if r.GetMetricName() != external.MetricDesired {
		return nil, status.Errorf(codes.NotFound, "there is no metric %q, but %s", r.GetMetricName(), external.MetricDesired)
	}
	d, err := s.decision(ctx, r.GetScaledObjectRef())
	if err != nil {
		return nil, err
	}
	return &externalscaler.GetMetricsResponse{MetricValues: []*externalscaler.MetricValue{
		{MetricName: external.MetricDesired, MetricValue: int64(d.Replicas), MetricValueFloat: float64(d.Replicas)},
	}}, nil
}

// IsActive reports whether any replica was decided on.
func (s *service) IsActive(ctx context.Context, ref *externalscaler.ScaledObjectRef) (*externalscaler.IsActiveResponse, error) {
	d, err := s.decision(ctx, ref)
	if err != nil {
		return nil, err
	}
	return &externalscaler.IsActiveResponse{Result: d.Replicas > 0}, nil
}

// StreamIsActive says so now and whenever it changes. It waits for a decision where
// there is none, and ends where there will be none.
func (s *service) StreamIsActive(ref *externalscaler.ScaledObjectRef, stream grpc.ServerStreamingServer[externalscaler.IsActiveResponse]) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	ctx := stream.Context()
	var told *bool
	for {
		d, err := s.decision(ctx, ref)
		switch active := d.Replicas > 0; {
		case status.Code(err) == codes.Unavailable:
		case err != nil:
			return err
		case told == nil || *told != active:
			if err := stream.Send(&externalscaler.IsActiveResponse{Result: active}); err != nil {
				return err
			}
			told = &active
		}
		select {
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		case <-s.ended:
			return status.Error(codes.Unavailable, "the controller ends")
		case <-tick.C:
		}
	}
}

func (s *service) decision(ctx context.Context, ref *externalscaler.ScaledObjectRef) (external.Decision, error) {
	name, err := scalerOf(ref)
	if err != nil {
		return external.Decision{}, err
	}
	d, err := s.source.Decision(ctx, ref.GetNamespace(), name)
	if err == nil {
		return d, nil
	}
	code := codes.Internal
	switch {
	case errors.Is(err, external.ErrNotFound):
		code = codes.NotFound
	case errors.Is(err, external.ErrNotServed):
		code = codes.FailedPrecondition
	case errors.Is(err, external.ErrNoDecision):
		code = codes.Unavailable
	}
	return d, status.Errorf(code, "PredictiveScaler %s/%s: %v", ref.GetNamespace(), name, err)
}

// scalerOf returns the scaler that a trigger names. Its other metadata are KEDA's own.
func scalerOf(ref *externalscaler.ScaledObjectRef) (string, error) {
	name := ref.GetScalerMetadata()[external.LabelScaler]
	if name == "" || ref.GetNamespace() == "" {
		return "", status.Errorf(codes.InvalidArgument, "the trigger does not name its scaler: write %s: NAME of the PredictiveScaler into its metadata", external.LabelScaler)
	}
	return name, nil
}
