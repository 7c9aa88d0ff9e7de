package live

import (
	"context"
	"errors"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/live/external"
	"hindcast.dev/live/keda"
)

// ExternalOptions say where decisions are served as external metrics of Kubernetes.
type ExternalOptions struct {
	// Address to listen at; "": nowhere.
	Address string
	// CertDir holds tls.crt and tls.key, for the DNS name of Service.
	CertDir string
	// Service is the one that the APIService has to name.
	Service client.ObjectKey
}

// KEDAOptions say where decisions are served to KEDA.
type KEDAOptions struct {
	// Address to listen at; "": nowhere.
	Address string
	// CertDir holds tls.crt and tls.key.
	CertDir string
	// ClientCA is a file with the authorities of KEDA's certificate, ClientNames are the
	// names that it may have; none: any.
	ClientCA    string
	ClientNames []string
}

// Serve has a manager serve decisions, on every replica and whether it leads or not. It
// returns an error where an address is given and nothing can be served there.
func Serve(ctx context.Context, mgr ctrl.Manager, cfg Config, e ExternalOptions, k KEDAOptions) error {
	cfg.setDefaults()
	source := &published{cached: mgr.GetCache(), limit: cfg.Mode, dryRun: cfg.DryRun, now: time.Now}
	var servers []manager.Runnable
	if e.Address != "" {
		if e.CertDir == "" || e.Service.Name == "" || e.Service.Namespace == "" {
			return errors.New("external metrics need a folder with a certificate and the service before them")
		}
		s, err := external.Listen(ctx, external.Config{
			Address: e.Address, CertDir: e.CertDir, Service: e.Service, Source: source,
			Client: mgr.GetClient(), Reader: mgr.GetAPIReader(), Log: cfg.Log,
		})
		if err != nil {
			return err
		}
		servers = append(servers, s)
	}
	if k.Address != "" {
		if k.CertDir == "" || k.ClientCA == "" {
			return errors.New("KEDA's external scaler needs a folder with a certificate and the authorities of its clients")
		}
		s, err := keda.Listen(ctx, keda.Config{
			Address: k.Address, CertDir: k.CertDir, ClientCA: k.ClientCA, ClientNames: k.ClientNames, Source: source, Log: cfg.Log,
		})
		if err != nil {
			return err
		}
		servers = append(servers, s)
	}
	if len(servers) == 0 {
		return nil
	}
	// One that does not lead watches the scalers, too.
	if _, err := mgr.GetCache().GetInformer(ctx, &v1alpha1.PredictiveScaler{}); err != nil {
		return err
	}
	for _, s := range servers {
		if err := mgr.Add(s); err != nil {
			return err
		}
	}
	return nil
}
