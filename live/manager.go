package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/klog/v2"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"hindcast.dev/api/v1alpha1"
)

// LeaseName is the lease that the replicas of the controller compete for.
const LeaseName = "hindcast-controller"

// Options are how the process of a controller meets the world.
type Options struct {
	Config
	// Kubernetes is how to reach the API server; required.
	Kubernetes *rest.Config
	// Namespaces are those that are watched; none: all.
	Namespaces []string
	// LeaderElection lets one of several replicas work, holding a lease in
	// LeaseNamespace. Without it the controller works only while nobody holds the lease
	// there, or, if that is "", in Namespaces and InstallNamespace, or anywhere.
	LeaderElection bool
	LeaseNamespace string
	// MetricsAddress, ProbeAddress and PprofAddress are where to listen; "0" or, for
	// pprof, "": nowhere.
	MetricsAddress, ProbeAddress, PprofAddress string
	// InsecureMetrics serves the metrics in clear instead of by TLS.
	InsecureMetrics bool
	// CertDir holds tls.crt and tls.key for the metrics; "": self-signed.
	CertDir string
	// External and KEDA are where the decisions of scalers with actuation External are
	// served; without an address: nowhere.
	External ExternalOptions
	KEDA     KEDAOptions
}

// Scheme returns a scheme that knows every object that the controller reads or writes.
func Scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, autoscalingv1.AddToScheme, metricsv1beta1.AddToScheme, v1alpha1.AddToScheme,
	} {
		utilruntime.Must(add(s))
	}
	return s
}

// Run runs the controller until ctx is done, and then lets what is under way end. It
// returns an error where it could not start, or lost its lease.
func Run(ctx context.Context, o Options) error {
	if o.Kubernetes == nil {
		return errors.New("live: no Kubernetes configuration")
	}
	o.setDefaults()
	o.Registry = ctrlmetrics.Registry
	o.Kubernetes = limited(o.Kubernetes)
	ctrl.SetLogger(logr.FromSlogHandler(o.Log.Handler()))
	klog.SetSlogLogger(o.Log) // what client-go says, throttling and failed watches
	mgr, err := ctrl.NewManager(o.Kubernetes, o.manager())
	if err != nil {
		return fmt.Errorf("live: %w", err)
	}
	if !o.LeaderElection {
		guard := &alone{reader: mgr.GetAPIReader(), namespaces: o.leasesToHeed(), now: time.Now, renewed: map[client.ObjectKey]time.Time{}}
		if err := guard.begin(ctx); err != nil {
			return fmt.Errorf("live: %w", err)
		}
		if err := mgr.Add(guard); err != nil {
			return fmt.Errorf("live: %w", err)
		}
	}
	if err := installed(mgr); err != nil {
		return fmt.Errorf("live: %w", err)
	}
	if err := errors.Join(
		Add(mgr, o.Config),
		mgr.AddHealthzCheck("ping", healthz.Ping),
		mgr.AddReadyzCheck("caches", cachesSynced(mgr)),
	); err != nil {
		return fmt.Errorf("live: %w", err)
	}
	if err := Serve(ctx, mgr, o.Config, o.External, o.KEDA); err != nil {
		return fmt.Errorf("live: %w", err)
	}
	o.Log.Info("controller starts", "mode", string(o.Mode), "dry_run", o.DryRun)
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("live: %w", err)
	}
	return nil
}

// limited has all clients keep one limit of requests together. By itself each client, of which there is one
// for every group of objects, has its own.
func limited(c *rest.Config) *rest.Config {
	c = rest.CopyConfig(c)
	if c.RateLimiter == nil && c.QPS > 0 {
		c.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(c.QPS, c.Burst)
	}
	return c
}

// installed returns an error where the API server does not know the objects of the
// controller, which else would wait for them in silence.
func installed(mgr ctrl.Manager) error {
	kind := v1alpha1.GroupVersion().WithKind("PredictiveScaler")
	_, err := mgr.GetRESTMapper().RESTMapping(kind.GroupKind(), kind.Version)
	switch {
	case meta.IsNoMatchError(err):
		return fmt.Errorf("the cluster has no %s of %s; install it with kubectl apply --server-side -k manifests/crd", kind.Kind, kind.GroupVersion())
	case err != nil:
		return fmt.Errorf("ask the API server for %s: %w", kind.Kind, err)
	}
	return nil
}

func (o *Options) manager() ctrl.Options {
	// A lease has to be renewed in time, however many requests wait for their turn.
	elect := rest.CopyConfig(o.Kubernetes)
	elect.RateLimiter = nil
	m := ctrl.Options{
		LeaderElectionConfig:          elect,
		Scheme:                        Scheme(),
		Logger:                        logr.FromSlogHandler(o.Log.Handler()),
		LeaderElection:                o.LeaderElection,
		LeaderElectionID:              LeaseName,
		LeaderElectionNamespace:       o.LeaseNamespace,
		LeaderElectionReleaseOnCancel: true,
		HealthProbeBindAddress:        o.ProbeAddress,
		PprofBindAddress:              o.PprofAddress,
		GracefulShutdownTimeout:       new(20 * time.Second),
		Metrics:                       metricsserver.Options{BindAddress: o.MetricsAddress, SecureServing: !o.InsecureMetrics, CertDir: o.CertDir},
		Cache: cache.Options{
			DefaultTransform: cache.TransformStripManagedFields(),
			ByObject:         map[client.Object]cache.ByObject{&corev1.Pod{}: {Transform: stripPod}},
		},
	}
	if len(o.Namespaces) > 0 {
		m.Cache.DefaultNamespaces = map[string]cache.Config{}
		for _, ns := range o.Namespaces {
			m.Cache.DefaultNamespaces[ns] = cache.Config{}
		}
	}
	return m
}

// cachesSynced is the readiness of the process: it knows the objects. Prometheus being
// away is no reason to take it out of service; its scalers say so one by one.
func cachesSynced(mgr ctrl.Manager) healthz.Checker {
	return func(r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		if !mgr.GetCache().WaitForCacheSync(ctx) {
			return errors.New("caches are not synced")
		}
		return nil
	}
}
