package keda

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"hindcast.dev/live/external"
	"hindcast.dev/live/keda/externalscaler"
)

// Config says where and how KEDA is answered. All but ClientNames and Log is required.
type Config struct {
	// Address to listen at, such as ":9443".
	Address string
	// CertDir holds tls.crt and tls.key.
	CertDir string
	// ClientCA is a file with the authorities that KEDA's certificate must come from.
	ClientCA string
	// ClientNames are the names that it may have, as common name or DNS name; none: any.
	ClientNames []string
	Source      external.Source
	Log         *slog.Logger
}

// A Server is an external scaler. It is a runnable of a manager, on every replica. There
// is no way to run it without TLS.
type Server struct {
	cfg      Config
	listener net.Listener
	grpc     *grpc.Server
	ended    chan struct{}
}

// Listen returns a server that listens and will serve once started. It refuses where
// the files cannot be read.
func Listen(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	certificates := &external.Certificates{
		Dir:       cfg.CertDir,
		Clients:   func() (*x509.CertPool, error) { return external.PoolOf(cfg.ClientCA) },
		Names:     func() []string { return cfg.ClientNames },
		Protocols: []string{"h2"},
	}
	config, err := certificates.Config()
	if err != nil {
		return nil, fmt.Errorf("external scaler of KEDA: %w", err)
	}
	s := &Server{cfg: cfg, ended: make(chan struct{})}
	s.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("external scaler of KEDA: %w", err)
	}
	s.grpc = grpc.NewServer(
		grpc.Creds(credentials.NewTLS(config)),
		grpc.MaxRecvMsgSize(64<<10), grpc.MaxConcurrentStreams(4096), // a stream for each ScaledObject
		// A connection is made anew now and then, with the certificates of then.
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: time.Hour, MaxConnectionAgeGrace: time.Minute}),
	)
	externalscaler.RegisterExternalScalerServer(s.grpc, &service{source: cfg.Source, ended: s.ended})
	return s, nil
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// NeedLeaderElection says that every replica serves.
func (s *Server) NeedLeaderElection() bool { return false }

// Start serves until ctx is done, and lets what is under way end.
func (s *Server) Start(ctx context.Context) error {
	s.cfg.Log.Info("KEDA is answered", "address", s.listener.Addr().String())
	failed := make(chan error, 1)
	go func() { failed <- s.grpc.Serve(s.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("external scaler of KEDA: %w", err)
	case <-ctx.Done():
	}
	close(s.ended)
	stop := time.AfterFunc(5*time.Second, s.grpc.Stop)
	defer stop.Stop()
	s.grpc.GracefulStop()
	return nil
}
