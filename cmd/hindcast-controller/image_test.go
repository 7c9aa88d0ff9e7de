package main_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"hindcast.dev/internal/clustertest"
	"hindcast.dev/internal/promtest"
)

// layout returns the folder of the image that ko built. Without it the test is skipped:
// only make test-image, and with it make test-all, builds one.
func layout(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("HINDCAST_IMAGE")
	if dir == "" {
		t.Skip("HINDCAST_IMAGE is not set; make test-image builds the image and sets it")
	}
	return dir
}

// An ociImage is what an image of the OCI layout says, and holds.
type ociImage struct {
	Architecture, OS string
	Config           struct {
		User       string
		Entrypoint []string
		Env        []string
		WorkingDir string
	}
	files map[string]ociFile
}

type ociFile struct {
	header  *tar.Header
	content []byte
	layer   int
}

type descriptor struct {
	MediaType, Digest string
}

func blob(t *testing.T, dir, digest string, into any) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "blobs", filepath.FromSlash(strings.Replace(digest, ":", "/", 1))))
	if err == nil && into != nil {
		err = json.Unmarshal(content, into)
	}
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// images returns those of a layout by architecture.
func images(t *testing.T) map[string]*ociImage {
	t.Helper()
	dir := layout(t)
	text, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var outer, inner struct{ Manifests []descriptor }
	if err := json.Unmarshal(text, &outer); err != nil || len(outer.Manifests) != 1 {
		t.Fatalf("index.json: %v, %s", err, text)
	}
	blob(t, dir, outer.Manifests[0].Digest, &inner)
	found := map[string]*ociImage{}
	for _, m := range inner.Manifests {
		var manifest struct {
			Config descriptor
			Layers []descriptor
		}
		blob(t, dir, m.Digest, &manifest)
		image := &ociImage{files: map[string]ociFile{}}
		blob(t, dir, manifest.Config.Digest, image)
		for i, layer := range manifest.Layers {
			zipped, err := gzip.NewReader(bytes.NewReader(blob(t, dir, layer.Digest, nil)))
			if err != nil {
				t.Fatal(err)
			}
			for files := tar.NewReader(zipped); ; {
				header, err := files.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				content, err := io.ReadAll(files)
				if err != nil {
					t.Fatal(err)
				}
				image.files[path.Clean("/"+header.Name)] = ociFile{header, content, i}
			}
		}
		found[image.OS+"/"+image.Architecture] = image
	}
	return found
}

// TestImageOfKo opens what ko made of .ko.yaml: an image for each platform, whose user is a
// number other than root, and which adds to its base the program, for that platform and
// linked to nothing, and nothing else that runs.
func TestImageOfKo(t *testing.T) {
	all := images(t)
	machines := map[string]elf.Machine{"linux/amd64": elf.EM_X86_64, "linux/arm64": elf.EM_AARCH64}
	if len(all) != len(machines) {
		t.Errorf("%d platforms, want %d", len(all), len(machines))
	}
	for platform, machine := range machines {
		image := all[platform]
		if image == nil {
			t.Errorf("no image for %s", platform)
			continue
		}
		if user := image.Config.User; !regexp.MustCompile(`^[1-9]\d*(:[1-9]\d*)?$`).MatchString(user) {
			t.Errorf("%s runs as %q: runAsNonRoot wants a number", platform, user)
		}
		if len(image.Config.Entrypoint) != 1 {
			t.Fatalf("%s: entrypoint %q", platform, image.Config.Entrypoint)
		}
		program, ok := image.files[image.Config.Entrypoint[0]]
		if !ok || program.header.Mode&0o111 == 0 {
			t.Fatalf("%s: the entrypoint %s is no program of the image", platform, image.Config.Entrypoint[0])
		}
		for name, f := range image.files {
			executable := f.header.Typeflag == tar.TypeReg && f.header.Mode&0o111 != 0
			if executable && name != image.Config.Entrypoint[0] {
				t.Errorf("%s: %s can be run, too", platform, name)
			}
			if f.layer > 0 && f.header.Typeflag == tar.TypeReg && name != image.Config.Entrypoint[0] {
				t.Errorf("%s: layer %d adds %s", platform, f.layer, name)
			}
			if f.header.Mode&0o6000 != 0 {
				t.Errorf("%s: %s changes its user", platform, name)
			}
		}
		static(t, platform, program.content, machine)
	}
}

// static fails where a program is for another machine, or is linked as it starts.
func static(t *testing.T, what string, program []byte, machine elf.Machine) {
	t.Helper()
	binary, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if binary.Machine != machine {
		t.Errorf("%s: a program for %v", what, binary.Machine)
	}
	for _, p := range binary.Progs {
		if p.Type == elf.PT_INTERP {
			t.Errorf("%s: the program needs a loader, which the base lacks", what)
		}
	}
}

// TestImageRuns runs the image of this machine as a cluster does by the shipped
// manifests: with the arguments of the Deployment, its user, no capabilities, a root that is
// read-only, the token of the shipped service account and nothing else mounted. It becomes
// ready, leads, and serves metrics by TLS.
func TestImageRuns(t *testing.T) {
	image := images(t)["linux/"+runtime.GOARCH]
	if image == nil {
		t.Fatal("no image for this machine")
	}
	if os.Getuid() != 0 || exec.CommandContext(t.Context(), "unshare", "--mount", "true").Run() != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no root, or no namespaces of mounts")
		}
		t.Skip("a read-only root of another user needs root and namespaces of mounts")
	}
	c := clustertest.Start(t)
	manifests := filepath.Join("..", "..", "manifests", "controller", "default")
	kubectl := func(args ...string) []byte {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), filepath.Join(c.Programs, "kubectl"), append(args, "--kubeconfig="+c.Kubeconfig(t))...).CombinedOutput()
		if err != nil {
			t.Fatalf("kubectl %v: %v\n%s", args, err, out)
		}
		return out
	}
	kubectl("apply", "--server-side", "-k", manifests)
	var deployment struct {
		Spec struct {
			Template struct {
				Spec struct {
					SecurityContext struct{ RunAsUser, RunAsGroup int }
					Volumes         []any
					Containers      []struct {
						Args            []string
						VolumeMounts    []any
						SecurityContext struct{ ReadOnlyRootFilesystem bool }
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal(kubectl("get", "deployment", "hindcast-controller", "-n", "hindcast-system", "-o", "yaml"), &deployment); err != nil {
		t.Fatal(err)
	}
	pod := deployment.Spec.Template.Spec
	if !pod.Containers[0].SecurityContext.ReadOnlyRootFilesystem || len(pod.Volumes)+len(pod.Containers[0].VolumeMounts) > 0 || pod.SecurityContext.RunAsUser == 0 {
		t.Fatalf("this test runs what has a read-only root, a user and no volumes, not %+v", pod)
	}
	root := unpack(t, image)
	token := filepath.Join(root, "var/run/secrets/kubernetes.io/serviceaccount")
	for _, dir := range []string{token, filepath.Join(root, "proc")} { // who mounts something makes them
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	request, err := c.Client(t).CoreV1().ServiceAccounts("hindcast-system").CreateToken(t.Context(), "hindcast-controller", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"token": []byte(request.Status.Token), "ca.crt": c.Config.CAData, "namespace": []byte("hindcast-system")} {
		if err := os.WriteFile(filepath.Join(token, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	address, err := url.Parse(c.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	if address.Host == "" {
		address = &url.URL{Host: c.Config.Host}
	}
	host, port, err := net.SplitHostPort(address.Host)
	if err != nil {
		t.Fatal(err)
	}
	probes, metrics := promtest.FreeAddress(t), promtest.FreeAddress(t)
	args := append(slices.Clone(pod.Containers[0].Args), "--probe-address="+probes, "--metrics-address="+metrics)
	// The shell and its programs are the host's: after chroot there are none.
	script := fmt.Sprintf(`set -e; mount --bind "$0" "$0"; mount -t proc proc "$0/proc"; mount -o remount,bind,ro "$0"; exec env -i %s KUBERNETES_SERVICE_HOST=%s KUBERNETES_SERVICE_PORT=%s chroot --userspec=%d:%d --groups= "$0" "$@"`,
		quoted(image.Config.Env), host, port, pod.SecurityContext.RunAsUser, pod.SecurityContext.RunAsGroup)
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, "unshare", append([]string{"--mount", "--propagation=private", "/bin/sh", "-c", script, root, image.Config.Entrypoint[0]}, args...)...)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // of a program that was told to stop it tells of that
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if code := cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit code %d after a signal", code)
		}
		if t.Failed() {
			t.Log(log.String())
		}
	})
	ready := func() error {
		select {
		case <-ended:
			t.Fatal("the program ended")
		default:
		}
		body, err := ask(t.Context(), "http://"+probes+"/readyz", nil)
		if err == nil && body != "ok" {
			err = errors.New(body)
		}
		return err
	}
	within(t, "ready", ready)
	within(t, "leads", func() error {
		_, err := c.Client(t).CoordinationV1().Leases("hindcast-system").Get(t.Context(), "hindcast-controller", metav1.GetOptions{})
		return err
	})
	within(t, "serves metrics", func() error {
		body, err := ask(t.Context(), "https://"+metrics+"/metrics", &tls.Config{InsecureSkipVerify: true})
		if err == nil && !strings.Contains(body, "process_cpu_seconds_total") {
			err = errors.New(body)
		}
		return err
	})
	// The process is what it was meant to be.
	status := proc(t, cmd.Process.Pid, "status")
	for _, want := range []string{
		fmt.Sprintf(`(?m)^Uid:\s+%[1]d\s+%[1]d\s+%[1]d\s+%[1]d$`, pod.SecurityContext.RunAsUser), `(?m)^CapEff:\s+0+$`, `(?m)^CapPrm:\s+0+$`,
	} {
		if !regexp.MustCompile(want).MatchString(status) {
			t.Errorf("the process is not %s:\n%s", want, status)
		}
	}
	if mounts := proc(t, cmd.Process.Pid, "mountinfo"); !regexp.MustCompile(`(?m)^\S+ \S+ \S+ \S+ / ro\b`).MatchString(mounts) {
		t.Errorf("its root is not read-only:\n%s", mounts)
	}
}

func proc(t *testing.T, pid int, file string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// unpack writes an image into a folder.
func unpack(t *testing.T, image *ociImage) string {
	t.Helper()
	root := t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(image.files)) {
		f, to := image.files[name], filepath.Join(root, filepath.FromSlash(name))
		var err error
		switch f.header.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(to, 0o755)
		case tar.TypeReg:
			if err = os.MkdirAll(filepath.Dir(to), 0o755); err == nil {
				err = os.WriteFile(to, f.content, 0o600)
			}
		default:
			err = fmt.Errorf("%s is of type %c", name, f.header.Typeflag)
		}
		if err = errors.Join(err, os.Chown(to, f.header.Uid, f.header.Gid), os.Chmod(to, f.header.FileInfo().Mode())); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func within(t *testing.T, what string, check func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	t.Fatalf("%s: not after %v: %v", what, patience, err)
}

func quoted(env []string) string {
	var out []string
	for _, e := range env {
		out = append(out, "'"+e+"'")
	}
	return strings.Join(out, " ")
}
