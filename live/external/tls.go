package external

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Certificates are the files of a server, read anew at each handshake, so that rotated
// ones are in force at once. While they are unreadable the last ones stay.
type Certificates struct {
	// Dir holds tls.crt and tls.key, as a mounted Secret of type kubernetes.io/tls does.
	Dir string
	// Clients are the authorities that a client's certificate must come from; required.
	Clients func() (*x509.CertPool, error)
	// Names are the names that a client's certificate may have, as common name or DNS
	// name; nil, or a nil list: any.
	Names func() []string
	// Protocols are those to be negotiated by ALPN.
	Protocols []string

	mu   sync.Mutex
	last *tls.Config
}

// Config returns the configuration of a server, which demands a certificate of every
// client and speaks TLS 1.3 only. It is an error if the files cannot be read now.
func (c *Certificates) Config() (*tls.Config, error) {
	if _, err := c.current(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: c.Protocols,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.current() },
	}, nil
}

func (c *Certificates) current() (*tls.Config, error) {
	config, err := c.read()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.last = config
	}
	if c.last != nil {
		return c.last, nil
	}
	return nil, err
}

func (c *Certificates) read() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(c.Dir, "tls.crt"), filepath.Join(c.Dir, "tls.key"))
	if err != nil {
		return nil, fmt.Errorf("certificate in %s: %w", c.Dir, err)
	}
	clients, err := c.Clients()
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: c.Protocols,
		Certificates: []tls.Certificate{pair},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: clients,
		// A ticket would let a client in whose authority is gone.
		SessionTicketsDisabled: true,
		VerifyConnection:       c.known,
	}, nil
}

// known refuses clients whose certificate has none of the names.
func (c *Certificates) known(state tls.ConnectionState) error {
	var names []string
	if c.Names != nil {
		names = c.Names()
	}
	if len(names) == 0 {
		return nil
	}
	leaf := state.PeerCertificates[0]
	for _, name := range append(slices.Clone(leaf.DNSNames), leaf.Subject.CommonName) {
		if name != "" && slices.Contains(names, name) {
			return nil
		}
	}
	return fmt.Errorf("a client with the certificate of %q, which is none of those allowed", leaf.Subject.CommonName)
}

// PoolOf reads the certificates of a file, which must hold at least one.
func PoolOf(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return pool, nil
}
