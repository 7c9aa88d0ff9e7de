//go:build ignore

// Command layout has ko build the controller's image, as .ko.yaml says, into a folder in
// the OCI image layout, without any network: the base image comes from a registry that this
// program serves, and is made here to be what distroless/static:nonroot is, an empty system
// of users, certificates and no program.
//
//	layout KO FOLDER	# in the root of the repository
package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "layout:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: layout KO FOLDER")
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	base, err := push(ctx, address)
	if err != nil {
		return fmt.Errorf("push the base image: %w", err)
	}
	if err := os.RemoveAll(args[1]); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, args[0], "build", "--push=false", "--sbom=none", "--oci-layout-path="+args[1], "./cmd/hindcast-controller")
	cmd.Env = append(os.Environ(), "KO_DEFAULTBASEIMAGE="+base, "KO_DOCKER_REPO="+address+"/hindcast")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}

// push puts the base image for both platforms into a registry and returns its name.
func push(ctx context.Context, address string) (string, error) {
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		content, err := files()
		return io.NopCloser(bytes.NewReader(content)), err
	})
	if err != nil {
		return "", err
	}
	index := v1.ImageIndex(empty.Index)
	for _, arch := range []string{"amd64", "arm64"} {
		image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
			Architecture: arch, OS: "linux",
			Config: v1.Config{
				User: "65532", WorkingDir: "/home/nonroot",
				Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"},
			},
		})
		if err == nil {
			image, err = mutate.AppendLayers(image, layer)
		}
		if err != nil {
			return "", err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	tag, err := name.NewTag(address + "/static:nonroot")
	if err != nil {
		return "", err
	}
	return tag.String(), remote.WriteIndex(tag, index, remote.WithContext(ctx))
}

// files is the only layer of the base image.
func files() ([]byte, error) {
	trusted, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range []struct {
		name, content string
		mode          int64
		owner         int
	}{
		{"etc/", "", 0o755, 0},
		{"etc/passwd", "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n", 0o644, 0},
		{"etc/group", "root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n", 0o644, 0},
		{"etc/ssl/", "", 0o755, 0},
		{"etc/ssl/certs/", "", 0o755, 0},
		{"etc/ssl/certs/ca-certificates.crt", string(trusted), 0o644, 0},
		{"home/", "", 0o755, 0},
		{"home/nonroot/", "", 0o700, 65532},
		{"tmp/", "", 0o1777, 0},
	} {
		h := &tar.Header{Name: f.name, Mode: f.mode, Uid: f.owner, Gid: f.owner, Size: int64(len(f.content)), Typeflag: tar.TypeReg}
		if strings.HasSuffix(f.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, f.content); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), w.Close()
}
