package peertest

import (
	"net"
	"path/filepath"
	"testing"

	"hindcast.dev/internal/promtest"
)

// A Server answers queries.
type Server struct {
	URL    string // up to what precedes /api/v1
	Tenant string // to be sent as X-Scope-OrgID; "": there are none
	Push   string // where samples are written, by remote write; "": nowhere
	flush  string // asked after writing; "": not needed
	*process
}

// Stop ends the server.
func (s *Server) Stop() { s.stop() }

// VictoriaMetrics runs an empty server of one node, which keeps samples of any age.
func VictoriaMetrics(t testing.TB, args ...string) *Server {
	t.Helper()
	address := promtest.FreeAddress(t)
	p := run(t, "victoria-metrics", append([]string{
		"-httpListenAddr=" + address, "-storageDataPath=" + t.TempDir(), "-retentionPeriod=100y", "-loggerLevel=ERROR",
	}, args...)...)
	p.ready(t, "http://"+address+"/health")
	return &Server{URL: "http://" + address, Push: "http://" + address + "/api/v1/write", flush: "http://" + address + "/internal/force_flush", process: p}
}

// Mimir runs an empty server of all its parts in one process, on files, that tells tenants
// apart and keeps samples of any age.
func Mimir(t testing.TB, tenant string, args ...string) *Server {
	t.Helper()
	address, grpc, members := promtest.FreeAddress(t), promtest.FreeAddress(t), promtest.FreeAddress(t)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	_, grpcPort, err := net.SplitHostPort(grpc)
	if err != nil {
		t.Fatal(err)
	}
	_, membersPort, err := net.SplitHostPort(members)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := run(t, "mimir", append([]string{
		"-target=all", "-log.level=error", "-auth.multitenancy-enabled=true", "-usage-stats.enabled=false",
		"-server.http-listen-address=" + host, "-server.http-listen-port=" + port,
		"-server.grpc-listen-address=" + host, "-server.grpc-listen-port=" + grpcPort,
		"-common.storage.backend=filesystem", "-common.storage.filesystem.dir=" + filepath.Join(dir, "common"),
		"-blocks-storage.filesystem.dir=" + filepath.Join(dir, "blocks"), "-blocks-storage.tsdb.dir=" + filepath.Join(dir, "tsdb"),
		"-blocks-storage.bucket-store.sync-dir=" + filepath.Join(dir, "sync"), "-compactor.data-dir=" + filepath.Join(dir, "compactor"),
		"-ruler-storage.filesystem.dir=" + filepath.Join(dir, "rules"), "-ruler.rule-path=" + filepath.Join(dir, "rulepath"),
		"-alertmanager-storage.filesystem.dir=" + filepath.Join(dir, "alerts"), "-activity-tracker.filepath=" + filepath.Join(dir, "activity"),
		"-ingester.ring.store=inmemory", "-ingester.ring.replication-factor=1", "-ingester.ring.instance-addr=" + host,
		"-distributor.ring.store=inmemory", "-distributor.ring.instance-addr=" + host,
		"-compactor.ring.store=inmemory", "-compactor.ring.instance-addr=" + host,
		"-store-gateway.sharding-ring.store=inmemory", "-store-gateway.sharding-ring.replication-factor=1", "-store-gateway.sharding-ring.instance-addr=" + host,
		"-ruler.ring.store=inmemory", "-ruler.ring.instance-addr=" + host, "-query-frontend.instance-addr=" + host,
		"-memberlist.bind-addr=" + host, "-memberlist.bind-port=" + membersPort,
		"-querier.query-ingesters-within=0", "-ingester.ring.min-ready-duration=0s",
	}, args...)...)
	p.ready(t, "http://"+address+"/ready")
	return &Server{URL: "http://" + address + "/prometheus", Tenant: tenant, Push: "http://" + address + "/api/v1/push", process: p}
}

// A Sidecar gives Thanos the series of a Prometheus.
type Sidecar struct {
	Address string // HOST:PORT of its StoreAPI
	*process
}

// Stop ends the sidecar.
func (s *Sidecar) Stop() { s.stop() }

// ThanosSidecar runs one beside a Prometheus, which must have external labels.
func ThanosSidecar(t testing.TB, prometheus string) *Sidecar {
	t.Helper()
	grpc, http := promtest.FreeAddress(t), promtest.FreeAddress(t)
	p := run(t, "thanos", "sidecar", "--log.level=error", "--prometheus.url="+prometheus, "--tsdb.path="+t.TempDir(),
		"--grpc-address="+grpc, "--http-address="+http, "--grpc-grace-period=0s", "--http-grace-period=0s")
	p.ready(t, "http://"+http+"/-/ready")
	return &Sidecar{grpc, p}
}

// ThanosQuery runs what answers queries from stores, each a flag such as --endpoint=HOST:PORT.
func ThanosQuery(t testing.TB, stores ...string) *Server {
	t.Helper()
	http := promtest.FreeAddress(t)
	p := run(t, "thanos", append([]string{"query", "--log.level=error", "--grpc-address=" + promtest.FreeAddress(t), "--http-address=" + http,
		"--grpc-grace-period=0s", "--http-grace-period=0s"}, stores...)...)
	p.ready(t, "http://"+http+"/-/ready")
	return &Server{URL: "http://" + http, process: p}
}
