package external

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Config says where and how external metrics are served. All but Log is required.
type Config struct {
	// Address to listen at, such as ":6443".
	Address string
	// CertDir holds tls.crt and tls.key, valid for the DNS name of Service.
	CertDir string
	// Service is the Kubernetes service before this server, which the APIService names.
	Service client.ObjectKey
	Source  Source
	// Client asks about users; Reader reads, without a cache, two objects that no role
	// allows to list.
	Client client.Client
	Reader client.Reader
	Log    *slog.Logger
}

// refreshEvery is how often the server looks whether the front proxy's terms or the
// owner of the APIService changed.
const refreshEvery = time.Minute

// A Server serves external metrics. It is a runnable of a manager, on every replica:
// what it serves is in the objects, whoever decided it.
type Server struct {
	cfg       Config
	proxy     *frontProxy
	authorize *authorizer
	listener  net.Listener
	http      *http.Server
}

// Listen returns a server that listens and will serve once started. It refuses where
// the APIService belongs to another, or the cluster or the files do not let it know its
// clients.
func Listen(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, proxy: &frontProxy{reader: cfg.Reader}, authorize: &authorizer{client: cfg.Client}}
	if err := errors.Join(CheckAPIService(ctx, cfg.Reader, cfg.Service), s.proxy.refresh(ctx)); err != nil {
		return nil, fmt.Errorf("external metrics: %w", err)
	}
	certificates := &Certificates{Dir: cfg.CertDir, Clients: s.proxy.clients, Names: s.proxy.names, Protocols: []string{"http/1.1"}}
	config, err := certificates.Config()
	if err != nil {
		return nil, fmt.Errorf("external metrics: %w", err)
	}
	s.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("external metrics: %w", err)
	}
	s.http = &http.Server{
		Handler: s.handler(), TLSConfig: config, Protocols: new(http.Protocols),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 256 << 10, // groups and claims of users are long
		ErrorLog:       slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	s.http.Protocols.SetHTTP1(true)
	return s, nil
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// NeedLeaderElection says that every replica serves.
func (s *Server) NeedLeaderElection() bool { return false }

// Start serves until ctx is done, and lets what is under way end.
func (s *Server) Start(ctx context.Context) error {
	s.cfg.Log.Info("external metrics are served", "address", s.listener.Addr().String(), "service", s.cfg.Service.String())
	failed := make(chan error, 1)
	go func() { failed <- s.http.ServeTLS(s.listener, "", "") }()
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-failed:
			return fmt.Errorf("external metrics: %w", err)
		case <-ctx.Done():
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			if err := s.http.Shutdown(end); err != nil {
				return s.http.Close() // what has not ended by now is cut off
			}
			return nil
		case <-tick.C:
			if err := errors.Join(s.proxy.refresh(ctx), CheckAPIService(ctx, s.cfg.Reader, s.cfg.Service)); err != nil && ctx.Err() == nil {
				s.cfg.Log.Error("external metrics", "err", err)
			}
		}
	}
}
