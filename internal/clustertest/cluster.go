package clustertest

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// patience is how long a program may take to start, and to stop; machines that build
// and test at the same time are slow.
const patience = 2 * time.Minute

// A Cluster is a running etcd and kube-apiserver. Nothing acts on its objects: no
// controllers, no scheduler, no garbage collection, unless StartPlane started them.
type Cluster struct {
	// Config is an administrator's, without client-side limits.
	Config *rest.Config
	// Programs is the folder with kubectl and whatever else KUBEBUILDER_ASSETS holds.
	Programs string
	// FrontProxy is where the certificate comes from by which aggregated API servers know
	// this API server, under the name FrontProxyName.
	FrontProxy *Authority

	env     *envtest.Environment
	janitor *janitor

	mu   sync.Mutex
	crds []string // the folders that are installed
}

// FrontProxyName is what the API server is called before aggregated API servers.
const FrontProxyName = "front-proxy-client"

var shared struct {
	sync.Mutex
	cluster *Cluster
	err     error
}

// Start returns the API server that the tests of this binary share, started by the
// first of them, with the CRDs of the folders or files installed. It ends with the
// binary. Tests keep apart by namespaces; what has no namespace needs a name of its own.
func Start(t testing.TB, crds ...string) *Cluster {
	t.Helper()
	dir := Assets(t, "etcd", "kube-apiserver", "kubectl")
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil && shared.err == nil {
		shared.cluster, shared.err = start(dir)
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	shared.cluster.Install(t, crds...)
	return shared.cluster
}

// New returns an API server that belongs to this test alone and ends with it.
func New(t testing.TB, crds ...string) *Cluster {
	t.Helper()
	c, err := start(Assets(t, "etcd", "kube-apiserver", "kubectl"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.janitor.clean(); err != nil {
			t.Error(err)
		}
	})
	c.Install(t, crds...)
	return c
}

func start(assets string) (*Cluster, error) {
	j, err := hire()
	if err != nil {
		return nil, err
	}
	env := &envtest.Environment{ControlPlaneStartTimeout: patience, ControlPlaneStopTimeout: patience}
	api := env.ControlPlane.GetAPIServer()
	env.ControlPlane.Etcd = &envtest.Etcd{DataDir: filepath.Join(j.dir, "data")}
	// With a folder of its own the server keeps its keys through a restart.
	api.CertDir = filepath.Join(j.dir, "certs")
	env.ControlPlane.KubectlPath = filepath.Join(assets, "kubectl")
	if err := os.Mkdir(api.CertDir, 0o700); err != nil {
		return nil, err
	}
	for path, program := range map[*string]string{&env.ControlPlane.Etcd.Path: "etcd", &api.Path: "kube-apiserver"} {
		if *path, err = j.wrap(filepath.Join(assets, program)); err != nil {
			return nil, err
		}
	}
	proxy, err := aggregating(api, filepath.Join(j.dir, "proxy"))
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(j.dir, "log"))
	if err != nil {
		return nil, err
	}
	env.ControlPlane.Etcd.Out, env.ControlPlane.Etcd.Err, api.Out, api.Err = log, log, log, log
	config, err := env.Start()
	if err != nil {
		err = fmt.Errorf("start an API server of %s: %w\n%s", assets, err, tail(log.Name()))
		return nil, errors.Join(err, j.clean())
	}
	// Nobody asked for webhooks, and their certificates lie elsewhere.
	if err := env.WebhookInstallOptions.Cleanup(); err != nil {
		return nil, err
	}
	config.QPS = -1
	return &Cluster{Config: config, Programs: assets, FrontProxy: proxy, env: env, janitor: j}, nil
}

// aggregating gives an API server a certificate of its own for aggregated API servers,
// and has it tell them, as every cluster does.
func aggregating(api *envtest.APIServer, dir string) (*Authority, error) {
	proxy, err := newAuthority("front-proxy-ca")
	if err != nil {
		return nil, err
	}
	cert, key, err := proxy.issue(FrontProxyName)
	if err != nil {
		return nil, err
	}
	authority := filepath.Join(dir, "ca.crt")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	if err := errors.Join(mount(dir, cert, key), os.WriteFile(authority, proxy.PEM, 0o600)); err != nil {
		return nil, err
	}
	for flag, value := range map[string]string{
		"requestheader-client-ca-file":       authority,
		"requestheader-allowed-names":        FrontProxyName,
		"requestheader-username-headers":     "X-Remote-User",
		"requestheader-group-headers":        "X-Remote-Group",
		"requestheader-extra-headers-prefix": "X-Remote-Extra-",
		"proxy-client-cert-file":             filepath.Join(dir, "tls.crt"),
		"proxy-client-key-file":              filepath.Join(dir, "tls.key"),
	} {
		api.Configure().Set(flag, value)
	}
	return proxy, nil
}

// Install adds the CRDs of folders or files, each once.
func (c *Cluster) Install(t testing.TB, crds ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, path := range crds {
		if slices.Contains(c.crds, path) {
			continue
		}
		options := envtest.CRDInstallOptions{Paths: []string{path}, ErrorIfPathMissing: true, MaxTime: patience}
		if _, err := envtest.InstallCRDs(c.Config, options); err != nil {
			t.Fatalf("install the CRDs of %s: %v", path, err)
		}
		c.crds = append(c.crds, path)
	}
}

// StopAPIServer stops the API server, but not etcd, until StartAPIServer starts it
// again at the same address, with the same data and keys. Only for clusters of New.
func (c *Cluster) StopAPIServer(t testing.TB) {
	t.Helper()
	if err := c.env.ControlPlane.APIServer.Stop(); err != nil {
		t.Fatal(err)
	}
}

// StartAPIServer starts the API server again and returns when it is ready.
func (c *Cluster) StartAPIServer(t testing.TB) {
	t.Helper()
	if err := c.env.ControlPlane.APIServer.Start(); err != nil {
		t.Fatal(err)
	}
}

// URL is the address of the API server.
func (c *Cluster) URL() *url.URL { return c.env.ControlPlane.APIServer.SecureServing.URL("https", "/") }

// tail returns the end of a file.
func tail(path string) string {
	const size = 2 << 10
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-size):])
}
